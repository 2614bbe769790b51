from flask import Flask, request

app = Flask(__name__)


@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    sid = new_id()
    db.execute("INSERT INTO sessions (id, user_id) VALUES (%s, %s)", (sid, user.id))
    return with_cookie(sid)


@app.before_request
def authenticate():
    row = db.one(
        "SELECT user_id FROM sessions WHERE id = %s AND last_seen > now() - interval '30 minutes'",
        (request.cookies["sid"],),
    )
    if row is None:
        abort(401)
