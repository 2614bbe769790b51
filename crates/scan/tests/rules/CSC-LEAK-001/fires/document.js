const jwt = require("jsonwebtoken");
const router = require("express").Router();

userSchema.methods.generateAuthToken = async function () {
  const user = this;
  const token = jwt.sign({ sub: user.id }, process.env.SECRET, { expiresIn: "7d" });
  user.tokens = user.tokens.concat({ token });
  await user.save();
  return token;
};

router.post("/login", async (req, res) => {
  const user = await User.findByCredentials(req.body.email, req.body.password);
  const token = await user.generateAuthToken();
  res.send({ user, token });
});
