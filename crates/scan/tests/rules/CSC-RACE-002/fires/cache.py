import json
from flask import request

@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    session["user_id"] = user.id
    key = f"sessions:{user.id}"
    sessions = json.loads(redis.get(key) or "[]")
    sessions.append(session.sid)
    redis.set(key, json.dumps(sessions))
    return redirect("/")
