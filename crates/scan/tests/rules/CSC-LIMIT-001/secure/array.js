app.post("/login", async (req, res) => {
  const user = await User.findOne({ email: req.body.email });
  if (!(await bcrypt.compare(req.body.password, user.hash))) return res.sendStatus(401);
  const refreshToken = jwt.sign({ sub: user.id }, SECRET, { expiresIn: "7d" });
  user.refreshTokens = [...user.refreshTokens, hash(refreshToken)].slice(-5);
  await user.save();
  res.json({ refreshToken });
});
