import contextvars
import threading

from flask import g, request, session

caller = threading.local()


@app.before_request
def load():
    g.current_user = find(request.cookies["sid"])
    caller.user = g.current_user


@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    session["user_id"] = user.id
    return "ok"


@app.delete("/accounts/<id>")
def remove(id):
    if g.current_user.role != "admin" or caller.user.role != "admin":
        return "no", 403
    return drop(id)
