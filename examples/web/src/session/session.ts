/** Who is signed in. `arrive.ts` finds out; each way to sign in is a maker of a `Session`. */

import type { Client, TokenSource } from "@parlour/client";
import type { Account } from "@parlour/client/sign-in";
import type { Key } from "../i18n/text.ts";

/** Somebody who is signed in at a server. */
export interface Session {
  /** The server's HTTP address. */
  readonly url: string;
  /** The name of what is kept of this user on this device. */
  readonly cacheName: string;
  /** What the user is called where they sign in. */
  readonly subject: string;
  /** What the client has its tokens of. */
  readonly token: TokenSource;
  /** The user's account, where the server keeps it. */
  account?(client: Client): Account;
  /** Ends the session where it was made, too. What fails leaves it as it was. */
  signOut(client: Client): Promise<void>;
  /** Forgets the session on this device. */
  end(): Promise<void>;
}

/** Why there is no session: something went wrong, or is just over. */
export interface Word {
  readonly key: Key;
  readonly isCalm: boolean;
}

/** A word about something that went wrong. */
export function wrong(key: Key): Word {
  return { key, isCalm: false };
}

/** Says in `localStorage` that there is a session with an identity provider. */
export const PROVIDER_KEY = "parlour.provider";

/** What was given can't be right, whatever the server says. */
export class NotAToken extends Error {}

/** Forgets what a client has kept of somebody. */
export function deleteCache(name: string): void {
  if (typeof indexedDB !== "undefined") indexedDB.deleteDatabase(name);
}
