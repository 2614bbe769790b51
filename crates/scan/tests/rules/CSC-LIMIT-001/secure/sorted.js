app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const sid = await sessionStore.create({ userId: user.id });
  const sessions = await sessionStore.byUser(user.id);
  sessions.sort((a, b) => a.createdAt - b.createdAt).slice(0, -MAX).forEach((s) => sessionStore.destroy(s.sid));
  res.cookie("sid", sid).end();
});
