app.post('/login', async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  await db.session.create({ data: { userId: user.id } });
  res.end();
});

app.post('/vault/collections', async (req, res) => {
  await collectionUser.save(req.body.id, { hidePasswords: true });
  await checkResetPasswordPolicy(req.user);
  res.end();
});
