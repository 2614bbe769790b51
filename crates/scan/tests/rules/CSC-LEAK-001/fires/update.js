const jwt = require("jsonwebtoken");
const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await User.check(req.body.name, req.body.password);
  const accessToken = jwt.sign({ sub: user.id }, process.env.SECRET, { expiresIn: "15m" });
  const refreshToken = jwt.sign({ sub: user.id }, process.env.REFRESH_SECRET, { expiresIn: "30d" });
  await User.updateOne({ _id: user.id }, { $push: { refreshTokens: refreshToken } });
  res.json({ accessToken, refreshToken });
});
