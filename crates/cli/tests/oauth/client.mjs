// A program that knows OAuth and nothing of us: introspects, revokes, introspects again.
// Prints one JSON object. Everything it does goes through a library that others wrote.

import * as oauth from "oauth4webapi";

const { BASE, KEY, TOKEN } = process.env;
const server = {
  issuer: BASE,
  introspection_endpoint: `${BASE}/oauth/introspect`,
  revocation_endpoint: `${BASE}/oauth/revoke`,
};
const client = { client_id: "shop: 100% ours + more" };
const plain = { [oauth.allowInsecureRequests]: true };

async function introspect(key, token) {
  const proof = oauth.ClientSecretBasic(key);
  const answer = await oauth.introspectionRequest(server, client, proof, token, plain);
  return await oauth.processIntrospectionResponse(server, client, answer);
}

async function revoke(token) {
  const proof = oauth.ClientSecretBasic(KEY);
  const answer = await oauth.revocationRequest(server, client, proof, token, plain);
  await oauth.processRevocationResponse(answer);
  return "done";
}

async function refusal(work) {
  try {
    return { done: await work() };
  } catch (error) {
    const schemes = error.cause?.map?.((challenge) => challenge.scheme);
    return { error: error.error, status: error.status, schemes };
  }
}

console.log(
  JSON.stringify({
    before: await introspect(KEY, TOKEN),
    revoked: await revoke(TOKEN),
    after: await introspect(KEY, TOKEN),
    again: await revoke(TOKEN),
    of_a_key: await refusal(() => revoke(KEY)),
    by_a_stranger: await refusal(() => introspect("ikk_stranger", TOKEN)),
  }),
);
