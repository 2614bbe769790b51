const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const session = await db.userSessions.create({ data: { userId: user.id, expiresAt: inHours(12) } });
  res.cookie("sid", session.id, { httpOnly: true, secure: true, sameSite: "lax" }).end();
});
