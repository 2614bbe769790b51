// The index is kept and shown, and nothing trims it.
const session = require("express-session");
const app = require("express")();
app.use(session({ store, secret: process.env.SECRET, cookie: { secure: true, sameSite: "lax", maxAge: 3600000 } }));

app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  req.session.regenerate(async () => {
    req.session.userId = user.id;
    await redis.zAdd(`user-sessions:${user.id}`, { score: Date.now(), value: req.sessionID });
    res.redirect("/");
  });
});

app.get("/account/sessions", async (req, res) => {
  res.json(await redis.zRange(`user-sessions:${req.session.userId}`, 0, -1));
});

app.post("/account/sessions/end", async (req, res) => {
  const all = await redis.zRange(`user-sessions:${req.session.userId}`, 0, -1);
  for (const sid of all) await store.destroy(sid);
  res.end();
});
