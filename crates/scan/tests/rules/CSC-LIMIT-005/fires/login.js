const express = require("express");
const session = require("express-session");
const app = express();
app.use(session({ secret: process.env.SECRET, cookie: { secure: true, sameSite: "lax", maxAge: 3600000 } }));

const MAX_SESSIONS_PER_USER = 5000;

app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const sessions = await db.userSessions.findMany({ where: { userId: user.id } });
  if (sessions.length >= MAX_SESSIONS_PER_USER) return res.sendStatus(429);
  req.session.regenerate(() => {
    req.session.userId = user.id;
    res.redirect("/");
  });
});
