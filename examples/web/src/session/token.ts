/** Signing in with a token: pasted, or in the address as `#token=...`, and kept for as long as the tab lives. */

import { deleteCache, NotAToken, type Session } from "./session.ts";

const KEY = "parlour.token";
const TOKEN_CHARS_MAX = 8192;

/** What of the browser it needs. */
export interface Surroundings {
  readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  readonly location: Pick<Location, "origin">;
}

/** Signs in with tokens. */
export class TokenSignIn {
  constructor(private readonly around: Surroundings = { storage: sessionStorage, location }) {}

  /** The session with this token, else that of the last visit. */
  restore(given?: string): Session | undefined {
    const token = given ?? this.around.storage.getItem(KEY);
    try {
      return token ? this.begin(token) : undefined;
    } catch {
      this.around.storage.removeItem(KEY);
      return undefined;
    }
  }

  /** Signs in with what the user has given. Throws `NotAToken`. */
  begin(given: string): Session {
    const token = given.trim();
    const { subject, organization } = ownerOf(token);
    const cacheName = nameOf(organization, subject);
    const { storage, location } = this.around;
    storage.setItem(KEY, token);
    return {
      url: location.origin,
      cacheName,
      subject,
      // Once it is refused it isn't asked for again.
      token,
      // Whoever made the token knows when it ends.
      signOut: async () => undefined,
      end: async () => {
        storage.removeItem(KEY);
        deleteCache(cacheName);
      },
    };
  }
}

/** Of whom a token speaks. Nothing is checked here, which is the server's to do: whoever forges one gets nothing. */
function ownerOf(token: string): { subject: string; organization: string } {
  const [, payload, signature] = token.split(".");
  if (!payload || !signature || token.length > TOKEN_CHARS_MAX) throw new NotAToken();
  try {
    const json = atob(payload.replace(/-/g, "+").replace(/_/g, "/"));
    const { sub, org } = JSON.parse(json) as { sub?: unknown; org?: unknown };
    if (typeof sub !== "string" || typeof org !== "string") throw new NotAToken();
    return { subject: sub, organization: org };
  } catch {
    throw new NotAToken();
  }
}

/** The name of a user's cache. */
export function nameOf(organization: string, subject: string): string {
  return `parlour ${encodeURIComponent(organization)} ${encodeURIComponent(subject)}`;
}
