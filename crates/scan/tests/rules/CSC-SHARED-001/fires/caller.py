from flask import request, session

current_user = None

@app.before_request
def load():
    global current_user
    current_user = find(request.cookies["sid"])

@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    session["user_id"] = user.id
    return "ok"

@app.delete("/accounts/<id>")
def remove(id):
    if current_user.role != "admin":
        return "no", 403
    return drop(id)
