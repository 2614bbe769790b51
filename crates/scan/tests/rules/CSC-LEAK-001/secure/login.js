const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const token = crypto.randomBytes(32).toString("hex");
  const digest = crypto.createHash("sha256").update(token).digest("hex");
  const session = await db.userSessions.create({ data: { userId: user.id, token: digest, expiresAt: inHours(12) } });
  logger.info("signed in", user.id, session.publicId);
  res.cookie("sid", token, { httpOnly: true, secure: true, sameSite: "lax" }).redirect("/welcome?tab=token");
});
