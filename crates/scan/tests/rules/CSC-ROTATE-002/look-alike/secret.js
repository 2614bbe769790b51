const jwt = require("jsonwebtoken");
const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const accessToken = jwt.sign({ sub: user.id }, process.env.SECRET, { expiresIn: "15m" });
  const refreshToken = await refreshTokens.create({ userId: user.id, expiresAt: inDays(30) });
  res.json({ accessToken, refreshToken: refreshToken.value });
});

// The signing secret is rotated, which is no refresh of anybody's token.
router.post("/admin/secret/rotate", async (req, res) => {
  await settings.update({ jwtSecret: crypto.randomBytes(32).toString("hex") });
  res.sendStatus(204);
});
