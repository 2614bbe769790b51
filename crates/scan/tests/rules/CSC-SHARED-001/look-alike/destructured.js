const router = require("express").Router();
let currentUser = null;
let currentPlan = null;

router.use(async (req, res, next) => {
  const { session, plan } = req;
  const { currentUser } = await load(session.userId);
  currentPlan = plan;
  req.caller = currentUser;
  next();
});

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  req.session.userId = user.id;
  res.end();
});

function requireAdmin(req, res, next) {
  if (currentUser && currentUser.role !== "admin") return res.sendStatus(403);
  next();
}
