const jwt = require("jsonwebtoken");
const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const accessToken = jwt.sign({ sub: user.id }, process.env.SECRET, { expiresIn: "15m" });
  logger.info("signed in", user.id, accessToken);
  res.json({ accessToken });
});
