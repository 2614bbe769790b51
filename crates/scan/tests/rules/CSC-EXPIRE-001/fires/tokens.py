import jwt


def create_access_token(user):
    return jwt.encode({"sub": user.id}, KEY)


def login(request):
    user = authenticate(request.form["name"], request.form["password"])
    return {"token": create_access_token(user)}
