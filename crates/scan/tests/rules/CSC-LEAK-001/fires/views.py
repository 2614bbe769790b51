import logging
import jwt

logger = logging.getLogger(__name__)

@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    access_token = jwt.encode({"sub": user.id, "exp": in_minutes(15)}, SECRET)
    logger.info("token for %s: %s", user.id, access_token)
    return {"access_token": access_token}
