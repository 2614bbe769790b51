// The bearer's word is cut off the front, and the newest are shown.
app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const token = (req.get("authorization") ?? "").slice(7);
  if (token) await sessionStore.destroy(token);
  const sid = await sessionStore.create({ userId: user.id });
  const sessions = await sessionStore.byUser(user.id);
  res.cookie("sid", sid).json(sessions.sort((a, b) => b.createdAt - a.createdAt).slice(0, 3));
});
