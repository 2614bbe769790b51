const router = require("express").Router();
let currentUser = null;

router.post("/login", (req, res) => {
  const name = req.body.name;
  db.query("SELECT * FROM users WHERE name = ?", [name], (error, rows) => {
    bcrypt.compare(req.body.password, rows[0].hash, (failed, right) => {
      if (!right) return res.sendStatus(401);
      req.session.regenerate(() => {
        currentUser = rows[0];
        req.session.userId = rows[0].id;
        res.end();
      });
    });
  });
});

function requireAdmin(req, res, next) {
  if (currentUser.role !== "admin") return res.sendStatus(403);
  next();
}

router.delete("/accounts/:id", requireAdmin, (req, res) => accounts.remove(req.params.id, res));
