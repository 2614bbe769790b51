from flask import jsonify, request, session


@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    session.clear()
    session["user_id"] = user.id
    return "ok"


@app.get("/account/sessions")
def list_sessions():
    return jsonify(UserSession.query.filter_by(user_id=session["user_id"]).all())


@app.delete("/account/sessions/<int:sid>/note")
def drop_note(sid):
    row = Note.query.get_or_404(sid)
    db.session.delete(row)
    return "", 204
