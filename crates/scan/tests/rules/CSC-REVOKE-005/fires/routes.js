const express = require("express");
const session = require("express-session");
const app = express();
app.use(session({ secret: process.env.SECRET, cookie: { secure: true, sameSite: "lax", maxAge: 3600000 } }));

app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  req.session.regenerate(async () => {
    req.session.userId = user.id;
    await db.query("INSERT INTO user_sessions (id, user_id) VALUES ($1, $2)", [req.sessionID, user.id]);
    res.redirect("/");
  });
});

app.get("/account/sessions", async (req, res) => {
  res.json(await db.query("SELECT public_id, agent FROM user_sessions WHERE user_id = $1", [req.session.userId]));
});

app.delete("/account/sessions/:id", async (req, res) => {
  await db.query("DELETE FROM user_sessions WHERE public_id = $1", [req.params.id]);
  res.status(204).end();
});
