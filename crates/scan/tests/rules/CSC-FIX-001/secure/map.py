import secrets

from flask import Flask, make_response, request

app = Flask(__name__)
sessions = {}


@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    token = secrets.token_urlsafe(32)
    sessions[token] = user.id
    response = make_response("welcome")
    response.set_cookie("sid", token, httponly=True, secure=True, samesite="Lax")
    return response
