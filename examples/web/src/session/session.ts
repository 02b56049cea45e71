/** Who is signed in, and how they came to be. Other ways to sign in are other makers of a `Session`. */

/** Somebody who is signed in at a server. */
export interface Session {
  /** The server's HTTP address. */
  readonly url: string;
  /** The name of what is kept of this user on this device. */
  readonly cacheName: string;
  /** A token for the client; `fresh` when the last one was refused or runs out. */
  token(fresh: boolean): Promise<string>;
  /** Forgets the session on this device. */
  end(): Promise<void>;
}

/** A way to sign in that can be restored: with a link, a password or a passkey it would look the same. */
export interface SignIn<Given> {
  /** The session of the last visit, or one that the page's address gives. */
  restore(): Session | undefined;
  /** Signs in with what the user has given. */
  begin(given: Given): Session;
}

/** What was given can't be right, whatever the server says. */
export class NotAToken extends Error {}
