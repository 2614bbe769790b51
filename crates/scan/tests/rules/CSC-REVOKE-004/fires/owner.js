// The comparison is about whose session it is, and not about which.
app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const session = await db.userSessions.create({ data: { userId: user.id } });
  res.cookie("sid", session.id, { httpOnly: true, secure: true, sameSite: "lax", maxAge: 3600000 }).end();
});

app.post("/account/sessions/end", async (req, res) => {
  const session = await db.userSessions.findUnique({ where: { id: req.body.id } });
  if (session.userId !== req.session.userId) return res.sendStatus(404);
  await db.userSessions.delete({ where: { id: session.id } });
  res.end();
});
