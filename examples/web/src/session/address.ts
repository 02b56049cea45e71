/** What the page's address gives somebody who comes: a token, a link, an invite, the answer of an identity provider. */

/** What came with the address. */
export type Given =
  | { readonly is: "token"; readonly token: string }
  | { readonly is: "link"; readonly code: string }
  | { readonly is: "invite"; readonly code: string }
  | { readonly is: "answer"; readonly parameters: URLSearchParams };

/** What of the browser it needs. */
export interface Address {
  readonly location: Pick<Location, "hash" | "pathname" | "search">;
  readonly history: Pick<History, "replaceState">;
}

const NAMES = { token: "token", "sign-in": "link", invite: "invite" } as const;

/** Whether a fragment is for signing in, rather than a place in the app. */
export function isForSignIn(hash: string): boolean {
  const fields = new URLSearchParams(hash.slice(1));
  return Object.keys(NAMES).some((name) => fields.has(name));
}

/** Takes it out of the address and the history: it is a secret. */
export function takeGiven({ location, history }: Address = globalThis): Given | undefined {
  const { hash, pathname, search } = location;
  const query = new URLSearchParams(search);
  if (query.has("state") && (query.has("code") || query.has("error"))) {
    history.replaceState(null, "", pathname);
    return { is: "answer", parameters: query };
  }
  if (!isForSignIn(hash)) return undefined;
  const fields = fieldsOf(hash);
  const room = fields.get("room");
  history.replaceState(null, "", pathname + search + (room ? `#/room/${encodeURIComponent(room)}` : ""));
  const token = fields.get("token");
  if (token) return { is: "token", token };
  for (const name of ["sign-in", "invite"] as const) {
    const code = fields.get(name);
    if (code) return { is: NAMES[name], code };
  }
  return undefined;
}

/** A `+` in a link is one, other than in a form. */
function fieldsOf(hash: string): URLSearchParams {
  return new URLSearchParams(hash.slice(1).replaceAll("+", "%2B"));
}
