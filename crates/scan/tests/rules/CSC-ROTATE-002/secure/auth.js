const jwt = require("jsonwebtoken");
const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const accessToken = jwt.sign({ sub: user.id }, process.env.SECRET, { expiresIn: "15m" });
  const refreshToken = await refreshTokens.create({ userId: user.id, expiresAt: inDays(30) });
  res.json({ accessToken, refreshToken: refreshToken.value });
});

router.post("/auth/refresh", async (req, res) => {
  const stored = await refreshTokens.findOne({ value: req.body.refreshToken });
  if (!stored) return res.sendStatus(401);
  if (stored.usedAt) {
    await refreshTokens.deleteMany({ family: stored.family });
    return res.sendStatus(401);
  }
  const accessToken = jwt.sign({ sub: stored.userId }, process.env.SECRET, { expiresIn: "15m" });
  const refreshToken = await refreshTokens.create({ userId: stored.userId, family: stored.family });
  res.json({ accessToken, refreshToken: refreshToken.value });
});
