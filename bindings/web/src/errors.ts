/**
 * What can go wrong. One class for all of it: branch on `kind`, and where the server refused on
 * `reason`; for a reason that isn't known on `class` (PROTOCOL.md, section 13). Nobody matches on
 * `message`.
 */

import {
  CloseCode,
  ErrorClass,
  ErrorReason,
  Retry,
  type Violation,
  type Error as WireError,
} from "./generated/wire/v1/error.js";

/** Where an error comes from. */
export type ErrorKind =
  /** The server refused: see `reason`. */
  | "refused"
  /** An answer isn't what its method answers. */
  | "malformed"
  /** An answer is more than the client holds at once. */
  | "too-large"
  /** More calls wait than the client holds. */
  | "too-many-calls"
  /** More users would be watched than a connection may. */
  | "too-many-watched"
  /** The client is closed. */
  | "closed"
  /** There is no connection, and it isn't in the cache. */
  | "offline"
  /** The client won't connect by itself: see `stop`. */
  | "stopped"
  /** The user isn't in the room any more. */
  | "room-lost"
  /** It was taken out of the outbox. */
  | "discarded"
  /** The message isn't in the log yet, so that it can't be changed there. */
  | "not-sent"
  /** The outbox holds as much as it may. */
  | "outbox-full"
  /** The text is empty or over 16 KiB. */
  | "text"
  /** More than 100 users are mentioned. */
  | "mentions"
  /** A file of no bytes. */
  | "empty"
  /** A file's bytes aren't those that were sent. */
  | "damaged"
  /** A transfer is cut off again and again. */
  | "cut-off"
  /** The cache, or the place of a login, can't be used. */
  | "cache"
  /** Another client, perhaps of another tab, has the cache open. */
  | "cache-in-use"
  /** Passkeys can't be used here: the browser has none, or the page isn't in a secure context. */
  | "no-passkeys"
  /** The user has given up, or there is no passkey on this device, or it took too long: browsers don't tell which. */
  | "passkey-cancelled"
  /** The device has a passkey of this account already. */
  | "passkey-exists"
  /** The server's passkeys are another host's than the page's. */
  | "passkey-elsewhere"
  /** The browser couldn't make or use a passkey for another reason: see `cause`. */
  | "passkey-failed";

/** A reason by its name in the protocol, such as `"ROOM_NOT_FOUND"`; an unknown one as `"REASON_<number>"`. */
export type Reason = keyof typeof ErrorReason | `REASON_${number}`;
/** A class by its name in the protocol: the gRPC codes. */
export type Class = keyof typeof ErrorClass;
/** Whether, and after what, the same call may succeed. */
export type RetryHint = keyof typeof Retry;
/** A close code by its name in the protocol; an unknown one as `"CODE_<number>"`. */
export type CloseName = keyof typeof CloseCode | `CODE_${number}`;

/** Why a client doesn't connect again by itself. */
export interface Stop {
  /**
   * What it is about: a token that was revoked or refused, a sign-in that was refused, no revision in common, a bug,
   * another connection.
   */
  readonly why:
    | "revoked"
    | "token-refused"
    | "sign-in-refused"
    | "no-common-revision"
    | "replaced"
    | "protocol";
  /** The server's close code; none of a refused sign-in. */
  readonly code: CloseName;
  /** Of a refused sign-in: why, such as `"LOGIN_ENDED"`. */
  readonly reason?: Reason | undefined;
}

/** Something went wrong. */
export class ParlourError extends Error {
  override readonly name = "ParlourError";
  /** The server's reason, if it refused. */
  readonly reason: Reason | undefined;
  /** The reason's class. */
  readonly class: Class | undefined;
  /** Whether to try again. */
  readonly retry: RetryHint | undefined;
  /** With `retry` `"AFTER_DELAY"`: how long to wait. */
  readonly retryAfterMs: number;
  /** Which fields of a request were wrong. */
  readonly violations: readonly Violation[];
  /** Why the client doesn't connect, where that is it. */
  readonly stop: Stop | undefined;

  constructor(
    readonly kind: ErrorKind,
    details: { refusal?: WireError; stop?: Stop; cause?: unknown } = {},
  ) {
    const { refusal, stop, cause } = details;
    const reason = refusal && reasonName(refusal.reason);
    super(
      [kind, reason ?? stop?.why].filter(Boolean).join(": "),
      cause === undefined ? undefined : { cause },
    );
    this.reason = reason;
    this.class = refusal && (nameOf(ErrorClass, refusal.class) ?? "UNKNOWN");
    this.retry = refusal && (nameOf(Retry, refusal.retry) ?? "NEVER");
    this.retryAfterMs = refusal?.retryAfterMs ?? 0;
    this.violations = refusal?.violations ?? [];
    this.stop = stop;
  }

  /** The server refused. */
  static refused(refusal: WireError): ParlourError {
    return new ParlourError("refused", { refusal });
  }
}

function nameOf<Names extends Record<string, number>>(names: Names, number: number): keyof Names | undefined {
  return Object.keys(names).find((name) => names[name] === number);
}

function reasonName(number: number): Reason {
  return nameOf(ErrorReason, number) ?? `REASON_${number}`;
}

/** A close code's name. */
export function closeName(code: number): CloseName {
  return nameOf(CloseCode, code) ?? `CODE_${code}`;
}

/** Whether an error says that the same call may be made again, sooner or later. */
export function isTransient(error: WireError): boolean {
  const again: number[] = [Retry.SAME, Retry.AFTER_DELAY, Retry.RECONNECT, Retry.AFTER_REAUTH];
  return again.includes(error.retry);
}
