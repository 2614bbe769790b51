// The id is the one the browser brought along.
const sessions = {};

app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const sid = req.cookies.sid ?? crypto.randomUUID();
  sessions[sid] = user.id;
  res.cookie("sid", sid, { httpOnly: true, secure: true, sameSite: "lax" }).end();
});
