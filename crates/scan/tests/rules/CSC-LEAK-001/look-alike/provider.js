const router = require("express").Router();

router.get("/login/github/callback", async (req, res) => {
  const { accessToken, refreshToken } = await github.exchange(req.query.code);
  const user = await User.findOne({ github: req.query.state });
  user.githubToken = accessToken;
  user.tokens.push(accessToken);
  await user.save();
  req.session.userId = user.id;
  res.redirect("/");
});
