// Somebody is written to, and it is not the user.
app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  req.session.userId = user.id;
  if (await store.isNearlyFull()) await mailer.send({ to: process.env.OPERATORS, subject: "the disk is full" });
  res.end();
});
