const express = require("express");
const session = require("express-session");
const app = express();
app.use(session({ secret: process.env.SECRET, cookie: { secure: true, sameSite: "lax", maxAge: 3600000 } }));

const LOGIN_REQUESTS_MAX = 5000;

app.post("/login", async (req, res) => {
  const tries = await counters.increment(req.ip);
  if (tries > LOGIN_REQUESTS_MAX) return res.sendStatus(429);
  const user = await users.check(req.body.name, req.body.password);
  req.session.regenerate(() => {
    req.session.userId = user.id;
    res.redirect("/");
  });
});
