const express = require("express");
const session = require("express-session");
const { getAuth } = require("firebase-admin/auth");
const app = express();
app.use(session({ secret: process.env.SECRET, cookie: { secure: true, sameSite: "lax", maxAge: 3600000 } }));

app.post("/login", async (req, res) => {
  const person = await getAuth().verifyIdToken(req.body.idToken);
  const user = await users.findBySubject(person.uid);
  req.session.regenerate(() => {
    req.session.userId = user.id;
    res.end();
  });
});
