from flask import Flask, request

app = Flask(__name__)
sessions = {}


@app.post("/login")
def login():
    user = check(request.form["name"], request.form["password"])
    sessions[request.cookies["sid"]] = user.id
    return "welcome"
