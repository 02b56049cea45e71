/**
 * An OpenID Connect provider as a process of its own: `node identity-provider.mjs PORT REDIRECT_URI TOKEN_SECONDS`.
 * Whoever gives a name is let in under it. Says `ready` once it listens.
 */

import { Provider } from "oidc-provider";

const [port, redirectUri, tokenSeconds] = process.argv.slice(2);

const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    {
      client_id: "parlour",
      redirect_uris: [redirectUri],
      response_types: ["code"],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "none",
    },
  ],
  // The server learns names from the `id_token`.
  conformIdTokenClaims: false,
  claims: { openid: ["sub"], profile: ["name"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `${id[0].toUpperCase()}${id.slice(1)}` }),
  }),
  features: { revocation: { enabled: true } },
  // The page is of another origin.
  clientBasedCORS: () => true,
  rotateRefreshToken: true,
  ttl: {
    IdToken: Number(tokenSeconds),
    AccessToken: 60,
    Session: 600,
    Grant: 600,
    Interaction: 600,
    RefreshToken: 600,
  },
  cookies: { keys: ["not a secret: it is for tests"] },
});

// A provider that is slow after it has taken a refresh token: `/slow?ms=3000` says how slow, and `/refreshed` how many
// it has taken.
let slowMs = 0;
let refreshed = 0;
provider.use(async (context, next) => {
  if (context.path === "/slow") {
    slowMs = Number(context.query.ms);
    context.body = "";
    return;
  }
  if (context.path === "/refreshed") {
    context.body = `${refreshed}`;
    return;
  }
  await next();
  if (context.oidc?.params?.grant_type !== "refresh_token") return;
  refreshed += 1;
  await new Promise((resolve) => setTimeout(resolve, slowMs));
});

provider.listen(Number(port), "localhost", () => console.log("ready"));
