// An index of ids per user beside the store of express-session, trimmed at each sign-in.
const session = require("express-session");
const app = require("express")();
app.use(session({ store, secret: process.env.SECRET, cookie: { secure: true, sameSite: "lax", maxAge: 3600000 } }));

app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  req.session.regenerate(async () => {
    req.session.userId = user.id;
    const key = `user-sessions:${user.id}`;
    await redis.zAdd(key, { score: Date.now(), value: req.sessionID });
    const surplus = await redis.zRange(key, 0, -(MAX + 1));
    for (const sid of surplus) {
      await redis.zRem(key, sid);
      await store.destroy(sid);
    }
    res.redirect("/");
  });
});
