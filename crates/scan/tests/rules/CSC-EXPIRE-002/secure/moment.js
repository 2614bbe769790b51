const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const [row] = await db("sessions").insert({ user_id: user.id, agent: req.get("user-agent") }).returning("*");
  res.cookie("sid", row.id, { httpOnly: true, secure: true, sameSite: "lax" }).end();
});

router.use(async (req, res, next) => {
  const row = await db("sessions").where({ id: req.cookies.sid }).first();
  if (!row || row.expires_at < new Date()) return res.sendStatus(401);
  req.userId = row.user_id;
  next();
});
