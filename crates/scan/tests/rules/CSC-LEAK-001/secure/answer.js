// The token goes to whom it belongs, in the body of the answer.
const jwt = require("jsonwebtoken");

userSchema.methods.getSignedJwt = function () {
  return jwt.sign({ sub: this._id }, process.env.SECRET, { expiresIn: "15m" });
};

app.post("/login", async (req, res) => {
  const user = await User.findOne({ email: req.body.email });
  if (!(await user.matches(req.body.password))) return res.sendStatus(401);
  res.json({ accessToken: user.getSignedJwt() });
});

app.post("/login/app", async (req, res) => {
  const user = await User.findOne({ email: req.body.email });
  return res.status(200).send({ token: user.getSignedJwt() });
});
