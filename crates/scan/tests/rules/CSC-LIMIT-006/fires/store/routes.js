const router = require("express").Router();
const sessions = require("./lib/sessions");
const users = require("./lib/users");

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const token = await sessions.open(user, req);
  res.cookie("sid", token, { httpOnly: true, secure: true, sameSite: "lax" }).end();
});

router.post("/login/code", async (req, res) => {
  const user = await users.byCode(req.body.code);
  const token = await sessions.open(user, req);
  res.cookie("sid", token, { httpOnly: true, secure: true, sameSite: "lax" }).end();
});

router.post("/login/passkey", async (req, res) => {
  const user = await users.byPasskey(req.body);
  const live = await db("sessions").where({ user_id: user.id }).orderBy("last_seen_at");
  if (live.length >= 5) await db("sessions").where({ id: live[0].id }).del();
  const token = await sessions.open(user, req);
  res.cookie("sid", token, { httpOnly: true, secure: true, sameSite: "lax" }).end();
});
