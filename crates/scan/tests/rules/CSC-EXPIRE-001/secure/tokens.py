import jwt


def payload_of(user):
    return {"sub": user.id, "exp": now() + LIFETIME}


def create_access_token(user):
    return jwt.encode(payload_of(user), KEY)


def login(request):
    user = authenticate(request.form["name"], request.form["password"])
    return {"token": create_access_token(user)}
