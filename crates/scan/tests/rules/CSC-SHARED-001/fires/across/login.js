const router = require("express").Router();
const { state } = require("./state");

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  req.session.userId = user.id;
  res.end();
});

router.use(async (req, res, next) => {
  state.currentUser = await users.find(req.session.userId);
  next();
});
