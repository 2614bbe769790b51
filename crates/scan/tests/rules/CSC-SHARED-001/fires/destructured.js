const router = require("express").Router();
let currentUser = null;

router.post("/login", async (req, res) => {
  const { email, password } = req.body;
  const user = await User.findOne({ email });
  if (!user || !await bcrypt.compare(password, user.hash)) return res.sendStatus(401);
  req.session.userId = user.id;
  currentUser = user;
  res.end();
});

function requireAdmin(req, res, next) {
  if (!currentUser.admin) return res.sendStatus(403);
  next();
}

router.delete("/accounts/:id", requireAdmin, (req, res) => accounts.remove(req.params.id, res));
