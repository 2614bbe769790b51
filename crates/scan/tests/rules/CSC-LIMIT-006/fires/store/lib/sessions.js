const db = require("./db");

async function open(user, req) {
  const token = newToken();
  await db("sessions").insert({ user_id: user.id, token_hash: hash(token), expires_at: inHours(12) });
  return token;
}

module.exports = { open };
