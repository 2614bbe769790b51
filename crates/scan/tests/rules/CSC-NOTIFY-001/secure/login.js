app.post('/login', async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  req.session.userId = user.id;
  if (!(await devices.isKnown(user, req))) await mailer.sendNewDeviceLogin(user.email, req.ip);
  res.end();
});
