app.post('/login', async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const session = await db.session.create({ data: { userId: user.id } });
  res.json({ token: jwt.sign({ sub: user.id, sid: session.id }, KEY, { expiresIn: '15m' }) });
});
