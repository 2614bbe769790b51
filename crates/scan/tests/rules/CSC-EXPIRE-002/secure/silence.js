const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const [row] = await db("sessions").insert({ user_id: user.id, agent: req.get("user-agent") }).returning("*");
  res.cookie("sid", row.id, { httpOnly: true, secure: true, sameSite: "lax" }).end();
});

router.use(async function authenticate(req, res, next) {
  const row = await db("sessions").where({ id: req.cookies.sid }).first();
  const now = Date.now();
  if (!row || now - row.last_seen_at > IDLE || now - row.created_at > ABSOLUTE) {
    if (row) await db("sessions").where({ id: row.id }).del();
    return res.sendStatus(401);
  }
  req.userId = row.user_id;
  next();
});
