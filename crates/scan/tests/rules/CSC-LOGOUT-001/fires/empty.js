const express = require("express");
const router = express.Router();
const sessions = {};

router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const sid = crypto.randomUUID();
  sessions[sid] = { userId: user.id };
  res.cookie("sid", sid, { httpOnly: true, secure: true, sameSite: "lax" }).end();
});

router.post("/logout", (req, res) => {
  res.cookie("sid", "", { maxAge: 0 });
  res.redirect("/");
});
