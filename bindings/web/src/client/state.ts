/** Where a client stands. */

import type { End } from "../core/reconnect.js";
import { type CloseName, closeName, type Reason, type Stop } from "../errors.js";

/** What ended the last attempt or connection; of a close also its code, and why a login has no token yet. */
export type Ended =
  | { readonly why: "closed"; readonly code: CloseName }
  | { readonly why: "no-token"; readonly reason?: Reason }
  | { readonly why: "lost" | "unreachable" };

/** Where a client stands. */
export type State =
  /** A connection is being made. */
  | { readonly type: "connecting" }
  /** Connected, over this carrier; `isStalled` while the server may be out of reach and nobody knows yet. */
  | { readonly type: "live"; readonly carrier: "webtransport" | "websocket"; readonly isStalled: boolean }
  /** Not connected. Reading and writing go on with the cache and the outbox. */
  | { readonly type: "offline"; readonly retryAtMs: number; readonly after: Ended }
  /** Not connected, and not by itself again; see `Client.reconnect`. */
  | { readonly type: "stopped"; readonly stop: Stop }
  /** Disconnected for good. */
  | { readonly type: "closed" };

/** An end, for people. */
export function endedOf(end: End): Ended {
  if (end.type === "closed") return { why: "closed", code: closeName(end.code) };
  return end.type === "no-token" && end.reason ? { why: end.type, reason: end.reason } : { why: end.type };
}
