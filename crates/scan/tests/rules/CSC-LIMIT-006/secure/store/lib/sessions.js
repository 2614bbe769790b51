const db = require("./db");

async function open(user, req) {
  const token = newToken();
  await db.transaction(async (trx) => {
    await trx("users").where({ id: user.id }).forUpdate();
    const live = await trx("sessions").where({ user_id: user.id }).orderBy("last_seen_at");
    if (live.length >= 5) await trx("sessions").where({ id: live[0].id }).del();
    await trx("sessions").insert({ user_id: user.id, token_hash: hash(token), expires_at: inHours(12) });
  });
  return token;
}

module.exports = { open };
