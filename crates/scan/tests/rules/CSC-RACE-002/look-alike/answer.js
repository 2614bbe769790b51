const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await User.findOne({ email: req.body.email });
  req.session.userId = user.id;
  const view = { user, sessions: [] };
  for (const row of await db.userSessions.findMany({ where: { userId: user.id } })) view.sessions.push(row.publicId);
  res.json(view);
});
