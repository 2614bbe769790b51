from flask import Flask, request, session

app = Flask(__name__)
app.config["SECRET_KEY"] = read_key()
app.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")


@app.route("/login", methods=["POST"])
def login():
    user = find_user(request.form["name"], request.form["password"])
    session.clear()
    session["user_id"] = user.id
    return "ok"
