const express = require("express");
const { getAuth } = require("firebase-admin/auth");
const app = express();

app.post("/login", async (req, res) => {
  const cookie = await getAuth().createSessionCookie(req.body.idToken, { expiresIn: 3600000 });
  res.cookie("session", cookie, { httpOnly: true, secure: true, sameSite: "lax", maxAge: 3600000 }).end();
});
