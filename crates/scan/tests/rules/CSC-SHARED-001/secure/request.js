const router = require("express").Router();

router.use(async (req, res, next) => {
  const currentUser = await users.find(req.session.userId);
  req.currentUser = currentUser;
  next();
});

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  req.session.userId = user.id;
  res.end();
});

function requireAdmin(req, res, next) {
  if (req.currentUser.role !== "admin") return res.sendStatus(403);
  next();
}

router.delete("/accounts/:id", requireAdmin, (req, res) => accounts.remove(req.params.id, res));
