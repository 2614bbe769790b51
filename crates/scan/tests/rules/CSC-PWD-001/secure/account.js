// Two ways lead through one line, and the way of staff is no word against the owner's.
async function setPassword(user, next) {
  await db.user.update({ where: { id: user.id }, data: { password: await hash(next) } });
}

async function endSessions(user) {
  await db.session.deleteMany({ where: { userId: user.id } });
}

app.post('/login', async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  await db.session.create({ data: { userId: user.id } });
  res.end();
});

app.post('/account/password', async (req, res) => {
  await setPassword(req.user, req.body.next);
  await endSessions(req.user);
  res.end();
});

app.post('/account/password/expired', async (req, res) => {
  await setPassword(req.user, req.body.next);
  await endSessions(req.user);
  res.end();
});

app.post('/admin/users/:userId/password', async (req, res) => {
  await setPassword(await users.find(req.params.userId), req.body.next);
  res.end();
});
