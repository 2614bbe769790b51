const session = require("express-session");
const app = require("express")();
app.use(session({ store, secret: process.env.SECRET, cookie: { secure: true, sameSite: "lax", maxAge: 3600000 } }));

const TRIM = `
  redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
  return redis.call('ZPOPMIN', KEYS[1], math.max(0, redis.call('ZCARD', KEYS[1]) - ARGV[3]))`;

app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  req.session.regenerate(async () => {
    req.session.userId = user.id;
    const gone = await redis.eval(TRIM, { keys: [`sessions:${user.id}`], arguments: [now(), req.sessionID, MAX] });
    await Promise.all(gone.map((sid) => store.destroy(sid)));
    res.redirect("/");
  });
});
