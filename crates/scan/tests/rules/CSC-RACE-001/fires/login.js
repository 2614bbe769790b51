app.post('/login', async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const sessions = await db.session.findMany({ where: { userId: user.id } });
  if (sessions.length >= MAX_SESSIONS) {
    await db.session.delete({ where: { id: sessions[0].id } });
  }
  const session = await db.session.create({ data: { userId: user.id } });
  res.cookie('sid', session.id);
});
