/** Who is connected, and ending sessions and tokens. Takes the scope `admin:sessions`. */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import { ListSessions, Revoke } from "../generated/rpc.js";
import { Carrier, type SessionInfo } from "../generated/session/v1/session.js";
import { type DeviceId, fieldOf, idOf, type UserId } from "../ids.js";
import { SESSIONS_PAGE } from "../limits.js";
import { type Page, pageOf } from "./page.js";

declare const brand: unique symbol;
/** A session, as a UUID. */
export type SessionId = string & { readonly [brand]: "session" };

/** A connection. A session outlives its connection, and may have several for a moment. */
export interface Session {
  /** To end it by. */
  readonly session: SessionId;
  readonly user: UserId | undefined;
  readonly subject: string;
  /** The installation. */
  readonly device: DeviceId | undefined;
  /** What the client there calls itself. */
  readonly agent: string;
  /** `unknown` for one of a later version. */
  readonly carrier: "quic" | "webtransport" | "websocket" | "unknown";
  /** When it was opened, Unix milliseconds. */
  readonly sinceMs: number;
  /** Where it comes from, as the server sees it: an IP address; empty where a proxy doesn't say. */
  readonly address: string;
}

const CARRIERS: Record<number, Session["carrier"]> = {
  [Carrier.QUIC]: "quic",
  [Carrier.WEBTRANSPORT]: "webtransport",
  [Carrier.WEBSOCKET]: "websocket",
};

/**
 * Who of the organization is connected just now, or where one subject is, in no order of meaning. A connection that
 * comes or goes meanwhile may be left out.
 */
export async function sessions(
  client: Client,
  { subject = "", ...options }: CallOptions & { subject?: string } = {},
): Promise<Page<Session>> {
  return pageOf(async (page, more) => {
    const answer = await client.call(ListSessions, { subject, page, pageSize: SESSIONS_PAGE }, more);
    return { items: answer.sessions.flatMap((info) => sessionOf(info) ?? []), nextPage: answer.nextPage };
  }, options);
}

function sessionOf({ session: field, user, device, carrier, ...info }: SessionInfo): Session | undefined {
  const session = idOf<SessionId>(field);
  const ids = { user: idOf<UserId>(user), device: idOf<DeviceId>(device) };
  return session && { session, ...ids, ...info, carrier: CARRIERS[carrier] ?? "unknown" };
}

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
