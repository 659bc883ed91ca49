// SPDX-License-Identifier: Apache-2.0
// npm's oidc-provider, a certified OpenID provider, with its own forms for signing in and consenting. It listens on loopback, on a
// port that the system chooses, and tells its address on standard output. Whoever signs in as NAME is of the groups NAME+GROUP names.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, callback, secret] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(createRequire(`${folder}/`).resolve("oidc-provider")));
const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://localhost:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: "modelward", client_secret: secret, redirect_uris: [callback] }],
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
  pkce: { required: () => true },
  cookies: { keys: ["only-for-tests"] },
  async findAccount(_context, id) {
    const [name, ...groups] = id.split("+");
    return { accountId: id, claims: async () => ({ sub: id, preferred_username: name, groups }) };
  },
});
server.on("request", provider.callback());
console.log(`listening ${issuer}`);
