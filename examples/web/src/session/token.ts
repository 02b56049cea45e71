/** Signing in with a token: pasted, or in the address as `#token=...`, and kept for as long as the tab lives. */

import { NotAToken, type Session, type SignIn } from "./session.ts";

const KEY = "parlour.token";
const TOKEN_CHARS_MAX = 8192;

/** What of the browser it needs. */
export interface Surroundings {
  readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  readonly location: Pick<Location, "hash" | "origin" | "pathname" | "search">;
  readonly history: Pick<History, "replaceState">;
}

/** Signs in with tokens. */
export class TokenSignIn implements SignIn<string> {
  constructor(private readonly around: Surroundings = { storage: sessionStorage, location, history }) {}

  restore(): Session | undefined {
    const given = this.takeFromAddress() ?? this.around.storage.getItem(KEY);
    try {
      return given ? this.begin(given) : undefined;
    } catch {
      this.around.storage.removeItem(KEY);
      return undefined;
    }
  }

  begin(given: string): Session {
    const token = given.trim();
    const cacheName = cacheNameOf(token);
    const { storage, location } = this.around;
    storage.setItem(KEY, token);
    return {
      url: location.origin,
      cacheName,
      token: async () => token,
      end: async () => {
        storage.removeItem(KEY);
        if (typeof indexedDB !== "undefined") indexedDB.deleteDatabase(cacheName);
      },
    };
  }

  /** Takes the token out of the fragment, and the fragment out of the address and the history. */
  private takeFromAddress(): string | undefined {
    const { location, history } = this.around;
    const fragment = new URLSearchParams(location.hash.slice(1));
    const token = fragment.get("token") ?? undefined;
    if (token === undefined) return undefined;
    const room = fragment.get("room");
    const rest = room ? `#/room/${encodeURIComponent(room)}` : "";
    history.replaceState(null, "", location.pathname + location.search + rest);
    return token;
  }
}

/**
 * A name for what is kept of whom the token speaks. Nothing is checked here, which is the server's to do: whoever
 * forges a token gets an empty cache of that name, or their own.
 */
function cacheNameOf(token: string): string {
  const [, payload, signature] = token.split(".");
  if (!payload || !signature || token.length > TOKEN_CHARS_MAX) throw new NotAToken();
  try {
    const json = atob(payload.replace(/-/g, "+").replace(/_/g, "/"));
    const { sub, org } = JSON.parse(json) as { sub?: unknown; org?: unknown };
    if (typeof sub !== "string" || typeof org !== "string") throw new NotAToken();
    return `parlour ${encodeURIComponent(org)} ${encodeURIComponent(sub)}`;
  } catch {
    throw new NotAToken();
  }
}
