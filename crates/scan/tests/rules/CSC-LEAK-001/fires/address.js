const jwt = require("jsonwebtoken");
const router = require("express").Router();

router.get("/oauth/callback", async (req, res) => {
  const user = await identities.exchange(req.query.code);
  const token = jwt.sign({ sub: user.id }, process.env.SECRET, { expiresIn: "15m" });
  res.redirect(`${process.env.APP}/welcome?token=${token}`);
});
