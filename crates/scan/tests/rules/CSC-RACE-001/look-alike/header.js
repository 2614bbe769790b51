// How many parts a header has is no number of sessions.
app.post('/login', async (req, res) => {
  const authTokens = req.headers.authorization.split(' ');
  if (authTokens.length < 2) return res.sendStatus(401);
  const user = await users.check(authTokens[1]);
  req.session.userId = user.id;
  res.end();
});
