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

app.post("/admin/users/:id/disable", requireAdmin, async (req, res) => {
  await db.users.update({ where: { id: req.params.id }, data: { disabled: true } });
  await db.query("DELETE FROM user_sessions WHERE user_id = $1", [req.params.id]);
  res.status(204).end();
});
