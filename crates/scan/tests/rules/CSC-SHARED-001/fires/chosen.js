const router = require("express").Router();
let currentUser = null;

router.post("/login", (req, res) => {
  currentUser = people.find((one) => one.email === req.body.email && one.secret === req.body.secret);
  req.session.userId = currentUser.id;
  res.end();
});

router.get("/documents", (req, res) => res.json(documents.of(currentUser)));
