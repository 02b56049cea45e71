/** Sessions of those whose account the server keeps: from a link, an invite or a password. */

import type { Client } from "@parlour/client";
import { Account, IndexedDbLoginStore, Login } from "@parlour/client/sign-in";
import { agent } from "./agent.ts";
import { deleteCache, type Session } from "./session.ts";
import { nameOf } from "./token.ts";

const SIGN_OUT_WITHIN_MS = 6000;

let opened: Promise<Login> | undefined;

/** The login of this device. Fails with `cache` where the browser keeps nothing. */
export function theLogin(): Promise<Login> {
  const store = new IndexedDbLoginStore("parlour.login");
  opened ??= Login.open({ url: location.origin, store, agent: agent() });
  opened.catch(() => {
    opened = undefined;
  });
  return opened;
}

/** The session of a login; absent where nobody has signed in. */
export function sessionOf(login: Login): Session | undefined {
  const { user } = login;
  if (!user) return undefined;
  const cacheName = nameOf(user.organization, user.subject);
  const account = (client: Client) => new Account(client, login);
  return {
    url: location.origin,
    cacheName,
    subject: user.subject,
    token: login,
    account,
    signOut: (client) => account(client).signOut({ signal: AbortSignal.timeout(SIGN_OUT_WITHIN_MS) }),
    end: async () => {
      await login.forget().catch(() => undefined);
      deleteCache(cacheName);
    },
  };
}
