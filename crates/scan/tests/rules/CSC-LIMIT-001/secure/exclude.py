from flask import Flask, request

app = Flask(__name__)


@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    session = UserSession.create(user=user)
    newest = UserSession.select().where(UserSession.user == user).order_by(UserSession.created_at.desc()).limit(5)
    UserSession.delete().where(UserSession.user == user, UserSession.id.not_in(newest)).execute()
    return with_cookie(session)
