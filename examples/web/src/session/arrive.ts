/** Who comes: with what the address gives, with the session of the last visit, or as nobody yet. */

import { sessionOf, theLogin } from "./account.ts";
import { type Address, takeGiven } from "./address.ts";
import { PROVIDER_KEY, type Session, type Word, wrong } from "./session.ts";
import { TokenSignIn } from "./token.ts";

/** What the sign-in page begins with; a code may come while somebody is signed in already. */
export type Start =
  | { readonly is: "choice" }
  | { readonly is: "link"; readonly code: string; readonly instead?: Session }
  | { readonly is: "invite"; readonly code: string; readonly instead?: Session }
  /** Somebody has to let them in. */
  | { readonly is: "waiting" };

/** Somebody, or nobody. */
export type Arrival =
  | { readonly is: "somebody"; readonly session: Session }
  | { readonly is: "nobody"; readonly start: Start; readonly word?: Word };

const CHOICE = { is: "nobody", start: { is: "choice" } } as const;
let arriving: Promise<Arrival> | undefined;

/** Finds out, once for each time the page is opened. */
export function arrive(): Promise<Arrival> {
  arriving ??= find(globalThis);
  return arriving;
}

async function find(address: Address): Promise<Arrival> {
  const given = takeGiven(address);
  const byToken = new TokenSignIn().restore(given?.is === "token" ? given.token : undefined);
  if (given?.is === "token")
    return byToken ? { is: "somebody", session: byToken } : { ...CHOICE, word: wrong("sign-in.no-token") };
  if (given?.is === "answer") return fromProvider(given.parameters);
  const kept = byToken ?? (await keptSession());
  if (given) {
    return { is: "nobody", start: { ...given, ...(kept && { instead: kept }) } };
  }
  if (kept) return { is: "somebody", session: kept };
  const login = await theLogin().catch(() => undefined);
  return login?.isPending ? { is: "nobody", start: { is: "waiting" } } : CHOICE;
}

async function keptSession(): Promise<Session | undefined> {
  try {
    const session = sessionOf(await theLogin());
    if (session) return session;
    // Most pages need nothing of it.
    if (localStorage.getItem(PROVIDER_KEY) === null) return undefined;
    const { providerSession } = await import("./provider.ts");
    return await providerSession();
  } catch {
    // Nothing can be read here: whoever signs in hears of it.
    return undefined;
  }
}

async function fromProvider(parameters: URLSearchParams): Promise<Arrival> {
  const { finish, wordOf } = await import("./provider.ts");
  try {
    return { is: "somebody", session: await finish(parameters) };
  } catch (error) {
    return { ...CHOICE, word: wordOf(error) };
  }
}
