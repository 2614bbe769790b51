app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const session = await db.userSessions.create({ data: { userId: user.id } });
  res.cookie("sid", session.id, { httpOnly: true, secure: true, sameSite: "lax", maxAge: 3600000 }).end();
});

app.delete("/account/sessions/:id", async (req, res) => {
  await db.userSessions.delete({ where: { id: req.params.id, userId: req.user.id } });
  res.end();
});

app.post("/account/sessions/leave", async (req, res) => {
  const mine = await db.userSessions.findMany({ where: { userId: req.user.id } });
  for (const one of mine) {
    if (one.id !== req.sessionID) await db.userSessions.delete({ where: { id: one.id } });
  }
  res.end();
});
