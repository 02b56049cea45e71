/** How a server lets people in: what its endpoints document says, for a page that asks nobody for what isn't there. */

import type { CallOptions } from "../client/call.js";
import { ParlourError } from "../errors.js";

/** An OpenID Connect provider whose `id_token`s the server takes as tokens. */
export interface IdentityProvider {
  /** What people call it. */
  readonly name: string;
  /** Where its discovery document is (OpenID Connect Discovery 1.0, section 4). */
  readonly issuer: string;
  /** What the application is called there. */
  readonly clientId: string;
  /** What to ask for. */
  readonly scope: string;
}

/** The ways in. */
export interface Offered {
  /** Whether the server keeps accounts: sign-in links, invites and passwords. */
  readonly accounts: boolean;
  /** Whether those may have passkeys. */
  readonly passkeys: boolean;
  readonly providers: readonly IdentityProvider[];
}

/** Where to ask, and how. */
export interface OfferedOptions extends CallOptions {
  /** Another `fetch` than the global one. */
  fetch?: typeof globalThis.fetch;
}

interface Said {
  sign_in?: { accounts?: unknown; passkeys?: unknown; oidc?: unknown };
}

const PATH = "/parlour/v1/endpoints";
const PROVIDERS_MAX = 16;
const SCOPE = "openid";

/**
 * What the server at this HTTP address offers; nothing, where it doesn't say. Fails with `offline` where it can't be
 * reached, and with `malformed`.
 */
export async function offered(url: string, { fetch, signal }: OfferedOptions = {}): Promise<Offered> {
  const said = await read(new URL(PATH, url), fetch ?? globalThis.fetch, signal);
  const { accounts, passkeys, oidc } = said?.sign_in ?? {};
  const listed: unknown[] = Array.isArray(oidc) ? oidc.slice(0, PROVIDERS_MAX) : [];
  const providers = listed.flatMap((provider) => providerOf(provider) ?? []);
  return { accounts: accounts === true, passkeys: passkeys === true, providers };
}

async function read(
  url: URL,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal | undefined,
): Promise<Said | null> {
  const init: RequestInit = { cache: "no-cache", ...(signal && { signal }) };
  const answer = await fetch(url, init).catch((cause: unknown) => {
    throw signal?.aborted ? signal.reason : new ParlourError("offline", { cause });
  });
  // A server where browsers may not connect has no such document.
  if (answer.status === 404) return null;
  if (!answer.ok) throw new ParlourError("offline");
  return (await answer.json().catch((cause: unknown) => {
    throw signal?.aborted ? signal.reason : new ParlourError("malformed", { cause });
  })) as Said | null;
}

function providerOf(said: unknown): IdentityProvider | undefined {
  const { name, issuer, client_id: clientId, scope } = (said ?? {}) as Record<string, unknown>;
  if (typeof issuer !== "string" || typeof clientId !== "string" || !isAsked(issuer)) return undefined;
  const called = typeof name === "string" && name !== "" ? name : new URL(issuer).host;
  return { name: called, issuer, clientId, scope: typeof scope === "string" ? scope : SCOPE };
}

/** Whether a provider may be asked: with TLS, or on this host. */
function isAsked(issuer: string): boolean {
  try {
    const { protocol, hostname } = new URL(issuer);
    return protocol === "https:" || (protocol === "http:" && /^(localhost|127\.|\[::1\]$)/.test(hostname));
  } catch {
    return false;
  }
}
