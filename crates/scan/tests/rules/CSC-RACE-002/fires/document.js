const router = require("express").Router();

router.post("/login", async (req, res) => {
  const user = await User.findOne({ email: req.body.email });
  const session = await createSession(user);
  user.sessions.push(session);
  await user.save();
  res.json({ id: session.id });
});

async function createSession(user) {
  return { id: crypto.randomUUID(), userId: user.id, expiresAt: Date.now() + 3600000 };
}
