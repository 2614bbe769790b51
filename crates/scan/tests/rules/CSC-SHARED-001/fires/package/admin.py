from context import caller


def require_admin_session():
    if caller.user.role != "admin":
        raise Forbidden()
