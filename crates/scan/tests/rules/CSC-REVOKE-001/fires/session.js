// Reading a session takes an expired one away, which is no way of ending one.
async function validateSession(token) {
  const session = await db.session.findUnique({ where: { id: digest(token) } });
  if (session.expiresAt < Date.now()) await db.session.delete({ where: { id: session.id } });
  return session;
}

app.post('/login', async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  await db.session.create({ data: { userId: user.id } });
  res.end();
});

app.get('/session', async (req, res) => {
  res.json(await validateSession(req.cookies.sid));
});
