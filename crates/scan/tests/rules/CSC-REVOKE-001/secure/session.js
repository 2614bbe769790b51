app.post('/login', async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  await db.session.create({ data: { userId: user.id } });
  res.end();
});

app.delete('/sessions/:id', async (req, res) => {
  await db.session.deleteMany({ where: { id: req.params.id, userId: req.user.id } });
  res.end();
});
