const router = require("express").Router();
const usersByToken = {};
let userCount = 0;
let systemUser = null;

async function connect() {
  systemUser = await users.find("system");
}

router.use(async (req, res, next) => {
  usersByToken[req.get("authorization")] = await users.find(req.session.userId);
  userCount = Object.keys(usersByToken).length;
  next();
});

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  req.session.userId = user.id;
  res.end();
});

function isAdmin(req) {
  /* currentUser = req.user; */
  return usersByToken[req.get("authorization")].role === "admin" && systemUser.active && userCount > 0;
}
