app.post('/login', async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const session = await db.$transaction(async (tx) => {
    await tx.$queryRaw`SELECT 1 FROM users WHERE id = ${user.id} FOR UPDATE`;
    const sessions = await tx.session.findMany({ where: { userId: user.id } });
    if (sessions.length >= MAX_SESSIONS) {
      await tx.session.delete({ where: { id: sessions[0].id } });
    }
    return tx.session.create({ data: { userId: user.id } });
  });
  res.cookie('sid', session.id);
});
