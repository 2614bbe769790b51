import jwt


def reset_link(user):
    """jwt.encode({"sub": user.id}, KEY) for a login would need an exp."""
    return jwt.encode({"sub": user.id, "purpose": "reset"}, KEY)
