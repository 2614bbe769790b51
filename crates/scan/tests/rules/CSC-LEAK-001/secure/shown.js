const jwt = require("jsonwebtoken");
const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await User.check(req.body.name, req.body.password);
  const refreshToken = crypto.randomBytes(32).toString("hex");
  user.refreshToken = refreshToken;
  user.refreshTokenHash = hash(refreshToken);
  await user.save({ fields: ["refreshTokenHash"] });
  res.json({ accessToken: jwt.sign({ sub: user.id }, process.env.SECRET, { expiresIn: "15m" }), refreshToken });
});
