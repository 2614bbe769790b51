// What is cut short is the list of moments, and not that of the sessions.
app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const jti = crypto.randomUUID();
  await User.updateOne(
    { _id: user._id },
    { $push: { moments: { $each: [new Date()], $slice: -5 }, sessions: { jti, agent: req.get("user-agent").slice(0, 200) } } },
  );
  res.json({ token: jwt.sign({ sub: user.id, jti }, process.env.SECRET, { expiresIn: "15m" }) });
});
