// The refresh token of another service is kept to ask it things: it is no slot for sessions here.
passport.use(new Strategy(options, async (accessToken, refreshToken, profile, done) => {
  const user = await users.ofProfile(profile);
  user.refreshToken = refreshToken;
  await user.save();
  done(null, user);
}));

app.post('/login', async (req, res) => {
  req.session.userId = (await users.check(req.body.name, req.body.password)).id;
  res.end();
});
