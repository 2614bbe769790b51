const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  // logger.info(accessToken)
  logger.info("accessToken is made here", user.tokenCount, "token");
  req.session.userId = user.id;
  res.redirect("/?next=token");
});

router.post("/forgot-password", async (req, res) => {
  const token = await resets.create(req.body.email);
  res.redirect(`/reset-sent?token=${token}`);
});
