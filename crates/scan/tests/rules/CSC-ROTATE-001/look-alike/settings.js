const jwt = require("jsonwebtoken");
const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  res.json({ token: jwt.sign({ sub: user.id }, process.env.SECRET, { expiresIn: "15m" }) });
});

// The feed is refreshed, and a token for the image server is signed on the way.
router.post("/feeds/refresh", async (req, res) => {
  const feed = await feeds.fetch(req.body.feed);
  res.json({ feed, image: jwt.sign({ feed: feed.id }, process.env.IMAGES, { expiresIn: "5m" }) });
});
