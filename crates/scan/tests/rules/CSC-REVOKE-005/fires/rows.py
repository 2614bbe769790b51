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


@app.delete("/account/sessions/<int:sid>")
def end_session(sid):
    row = UserSession.query.get_or_404(sid)
    db.session.delete(row)
    db.session.commit()
    return "", 204
