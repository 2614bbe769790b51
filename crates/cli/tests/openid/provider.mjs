// A certified OpenID provider with one client: the application that is told on standard input.
//
// Prints where it listens. Each line that it reads is the address at which the application is
// reached in truth; browsers and the provider know it as https://app.example.

import { createServer } from "node:http";
import { once } from "node:events";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const APPLICATION = "https://app.example";
const server = createServer();
server.listen(0, "127.0.0.1");
await once(server, "listening");
const issuer = `http://127.0.0.1:${server.address().port}`;

let reached = APPLICATION;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "innkeeper",
      client_secret: "a secret: 100% + more",
      redirect_uris: [`${APPLICATION}/_innkeeper/oidc/callback`],
      post_logout_redirect_uris: [`${APPLICATION}/_innkeeper/oidc/signed-out`],
      backchannel_logout_uri: `${APPLICATION}/_innkeeper/oidc/backchannel-logout`,
      backchannel_logout_session_required: true,
    },
  ],
  claims: { openid: ["sub", "sid"], profile: ["preferred_username", "groups"] },
  // What is asked for is in the ID token, and not at another address alone.
  conformIdTokenClaims: false,
  cookies: { keys: ["a key of a test"] },
  features: { backchannelLogout: { enabled: true } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: `${id} at work`, groups: ["staff"] }),
  }),
  // Its dispatcher would refuse to call this machine.
  fetch: (url, { dispatcher, ...options }) =>
    fetch(String(url).replace(APPLICATION, reached), options),
});
for (const event of ["server_error", "backchannel.error", "authorization.error", "grant.error"]) {
  provider.on(event, (...told) => {
    const error = told.find((one) => one instanceof Error);
    console.log(`${event}: ${error?.message} ${error?.error_description ?? ""}`);
  });
}
provider.on("backchannel.success", () => console.log("the application was told of a logout"));
server.on("request", provider.callback());

createInterface({ input: process.stdin })
  .on("line", (line) => (reached = line))
  .on("close", () => process.exit());
console.log(`provider listens on ${issuer}`);
