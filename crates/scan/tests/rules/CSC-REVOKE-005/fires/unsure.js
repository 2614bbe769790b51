const express = require("express");
const app = express();

async function authenticate(req, res, next) {
  const row = await UserSession.findOne({ tokenHash: sha(req.get("authorization")) }).populate("user");
  if (!row) return res.sendStatus(401);
  req.auth = row;
  next();
}

app.post("/login", async (req, res) => {
  const user = await User.findOne({ email: req.body.email });
  if (!user || !(await bcrypt.compare(req.body.password, user.password))) return res.sendStatus(401);
  const token = crypto.randomBytes(32).toString("hex");
  await UserSession.create({ user: user._id, tokenHash: sha(token) });
  res.json({ token });
});

app.get("/sessions", authenticate, async (req, res) => {
  res.json(await UserSession.find({ user: req.auth.user._id }));
});

app.delete("/sessions/:id", authenticate, async (req, res) => {
  await UserSession.deleteOne({ _id: req.params.id });
  counts[req.auth.user._id] += 1;
  res.sendStatus(204);
});
