from flask import request, session

from context import caller


@app.before_request
def load():
    caller.user = find(request.cookies["sid"])


@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    session["user_id"] = user.id
    return "ok"
