const jwt = require("jsonwebtoken");
const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await User.check(req.body.name, req.body.password);
  const accessToken = jwt.sign({ sub: user.id }, process.env.SECRET, { expiresIn: "15m" });
  const refreshToken = jwt.sign({ sub: user.id }, process.env.REFRESH_SECRET, { expiresIn: "30d" });
  user.refreshTokens.push(refreshToken);
  await user.save();
  res.json({ accessToken, refreshToken });
});

router.post("/refresh", async (req, res) => {
  const { refreshToken } = req.body;
  const { sub } = jwt.verify(refreshToken, process.env.REFRESH_SECRET);
  const user = await User.findById(sub);
  if (!user || !user.refreshTokens.includes(refreshToken)) return res.sendStatus(401);
  const next = jwt.sign({ sub: user.id }, process.env.REFRESH_SECRET, { expiresIn: "30d" });
  user.refreshTokens = user.refreshTokens.filter((one) => one !== digest(refreshToken));
  user.refreshTokens.push(digest(next));
  await user.save();
  const refreshed = await issueRefreshToken(user);
  res.json({ accessToken: jwt.sign({ sub: user.id }, process.env.SECRET, { expiresIn: "15m" }), refreshToken: refreshed });
});
