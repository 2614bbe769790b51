from flask import Flask, request, make_response

app = Flask(__name__)


@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    sid = new_id()
    db.execute("INSERT INTO sessions (id, user_id) VALUES (%s, %s)", (sid, user.id))
    db.execute(
        """DELETE FROM sessions WHERE id IN (
             SELECT id FROM (
               SELECT id, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY created_at DESC) AS place
               FROM sessions WHERE user_id = %s) ranked
             WHERE place > %s)""",
        (user.id, MAX_SESSIONS),
    )
    response = make_response()
    response.set_cookie("sid", sid, httponly=True, secure=True, samesite="Lax")
    return response
