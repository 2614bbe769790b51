// The same token, and the table keeps it too.
const jwt = require("jsonwebtoken");

userSchema.methods.getSignedJwt = function () {
  return jwt.sign({ sub: this._id }, process.env.SECRET, { expiresIn: "15m" });
};

app.post("/login", async (req, res) => {
  const user = await User.findOne({ email: req.body.email });
  if (!(await user.matches(req.body.password))) return res.sendStatus(401);
  const session = await LoginSession.create({ user: user.id, accessToken: user.getSignedJwt() });
  res.json({ accessToken: session.accessToken });
});
