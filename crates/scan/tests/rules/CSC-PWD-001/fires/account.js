app.post('/login', async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  await db.session.create({ data: { userId: user.id } });
  res.end();
});

app.post('/account/password', async (req, res) => {
  await db.user.update({ where: { id: req.user.id }, data: { password: await hash(req.body.next) } });
  res.end();
});
