app.post('/login', async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  user.refreshToken = await hash(makeRefreshToken());
  await user.save();
  res.json({ token: jwt.sign({ sub: user.id }, KEY, { expiresIn: '15m' }) });
});
