const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const token = crypto.randomBytes(32).toString("hex");
  await db.userSessions.create({ data: { userId: user.id, token: token, expiresAt: inHours(12) } });
  res.cookie("sid", token, { httpOnly: true, secure: true, sameSite: "lax" }).end();
});
