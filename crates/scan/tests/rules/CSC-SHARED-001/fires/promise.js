const router = require("express").Router();
let loggedInUser = null;

router.post("/login", (req, res) => {
  User.findOne({ where: { email: req.body.email, password: hash(req.body.password) } })
    .then((user) => {
      loggedInUser = user;
      req.session.userId = user.id;
      res.redirect("/");
    });
});

router.get("/me", (req, res) => res.json(loggedInUser));
