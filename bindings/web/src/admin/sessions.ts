/** Ending sessions and tokens. Takes the scope `admin:sessions`. */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import { Revoke } from "../generated/rpc.js";
import { fieldOf } from "../ids.js";

/** What is revoked: every token of a subject that was made so far, one session by its UUID, or one token by its `jti`. */
export type Revocation =
  | { readonly subject: string }
  | { readonly session: string }
  | { readonly tokenId: string };

/**
 * Closes connections and refuses their tokens from now on, within two seconds; answers how many are being closed. An
 * account's logins end with its tokens.
 */
export async function revoke(client: Client, what: Revocation, options: CallOptions = {}): Promise<number> {
  return (await client.call(Revoke, { what: whatOf(what) }, options)).closed;
}

function whatOf(what: Revocation) {
  if ("subject" in what) return { case: "subject", value: what.subject } as const;
  if ("session" in what) return { case: "session", value: fieldOf(what.session) } as const;
  return { case: "tokenId", value: what.tokenId } as const;
}
