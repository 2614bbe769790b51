const express = require("express");
const session = require("express-session");
const app = express();
app.use(session({ secret: process.env.SECRET, cookie: { secure: true, sameSite: "lax", maxAge: 3600000 } }));

async function makeRoom(user) {
  const sessions = await db.userSessions.findMany({ where: { userId: user.id } });
  if (sessions.length >= 5) await db.userSessions.delete({ where: { id: sessions[0].id, userId: user.id } });
}

app.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  await makeRoom(user);
  const session = await db.userSessions.create({ data: { userId: user.id } });
  res.cookie("sid", session.id, { httpOnly: true, secure: true, sameSite: "lax" }).end();
});

app.post("/register", async (req, res) => {
  const user = await users.create(req.body);
  const session = await db.userSessions.create({ data: { userId: user.id } });
  res.cookie("sid", session.id, { httpOnly: true, secure: true, sameSite: "lax" }).redirect("/");
});
