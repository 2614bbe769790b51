from flask import Flask, make_response, request

from .store import Sessions

app = Flask(__name__)
sessions = Sessions(db)


@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    response = make_response("welcome")
    response.set_cookie("sid", sessions.open(user), httponly=True, secure=True, samesite="Lax")
    return response
