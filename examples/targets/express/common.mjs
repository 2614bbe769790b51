// What both forms of the shop share: the accounts, and who is asking.

import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text) => createHash('sha256').update(String(text)).digest();

/// The accounts, with passwords from the environment.
export const accounts = new Map([
  ['alice@example.test', process.env.ALICE_PW],
  ['bob@example.test', process.env.BOB_PW],
]);

export function isRight(email, password) {
  const known = accounts.get(email);
  return known !== undefined && timingSafeEqual(digest(known), digest(password));
}

/// Listens on a free port of this machine, and says where.
export function listen(app) {
  const server = app.listen(0, '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}`);
  });
}
