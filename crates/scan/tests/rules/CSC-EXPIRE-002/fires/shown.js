// How long ago is shown, and nothing ends by it.
const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const [row] = await db("sessions").insert({ user_id: user.id, agent: req.get("user-agent") }).returning("*");
  res.cookie("sid", row.id, { httpOnly: true, secure: true, sameSite: "lax" }).end();
});

router.get("/account/sessions", async (req, res) => {
  const rows = await db("sessions").where({ user_id: req.user.id });
  const now = Date.now();
  res.json(rows.map((row) => ({ agent: row.agent, online: now - row.last_seen_at < 300000 })));
});
