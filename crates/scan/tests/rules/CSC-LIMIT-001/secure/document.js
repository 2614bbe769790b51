// The list keeps its newest five in the step that adds one.
app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const jti = crypto.randomUUID();
  await User.updateOne(
    { _id: user._id },
    { $push: { sessions: { $each: [{ jti, at: new Date() }], $slice: -5 } } },
  );
  res.json({ token: jwt.sign({ sub: user.id, jti }, process.env.SECRET, { expiresIn: "15m" }) });
});
