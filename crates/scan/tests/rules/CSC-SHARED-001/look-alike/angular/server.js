const router = require("express").Router();

router.post("/api/login", async (req, res) => {
  const user = await users.check(req.body.email, req.body.password);
  req.session.regenerate(() => {
    req.session.userId = user.id;
    res.json(user);
  });
});
