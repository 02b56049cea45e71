/**
 * When to connect, when to wait, when to ask for a token, when to stop (PROTOCOL.md, section 13). It opens
 * nothing itself: its owner dials when told and reports how that went.
 */

import { closeName, type Reason, type Stop } from "../errors.js";
import { CloseCode } from "../generated/wire/v1/error.js";
import {
  BACKOFF_BASE_MS,
  BACKOFF_MAX_MS,
  RETRY_AFTER_MAX_MS,
  SECOND_WITHIN_MS,
  STABLE_AFTER_MS,
  TOKENS_REFUSED_MAX,
} from "../limits.js";
import { NEVER, type Now } from "../time.js";

/** Delays between attempts, with full jitter: a random part of twice the last bound. */
export class Backoff {
  #attempts = 0;

  /** The next delay in milliseconds. `random` is uniform in [0, 1). */
  nextDelay(random: number): number {
    const boundMs = Math.min(BACKOFF_BASE_MS * 2 ** Math.min(this.#attempts, 16), BACKOFF_MAX_MS);
    this.#attempts += 1;
    return boundMs * random;
  }

  /** Starts anew. */
  reset(): void {
    this.#attempts = 0;
  }
}

/** What to do after a close. */
export type Reconnect = "now" | "back-off" | "with-new-token" | "never";

/** What the table of close codes says. An unknown code: back off and connect again. */
export function reconnectAfter(code: number): Reconnect {
  switch (code) {
    case CloseCode.TOKEN_INVALID:
    case CloseCode.TOKEN_EXPIRED:
    case CloseCode.REAUTH_TIMEOUT:
      return "with-new-token";
    case CloseCode.REVOKED:
    case CloseCode.NO_COMMON_REVISION:
    case CloseCode.FRAME_TOO_LARGE:
    case CloseCode.MALFORMED_FRAME:
    case CloseCode.UNEXPECTED_FRAME:
    case CloseCode.CLIENT_DONE:
    case CloseCode.REPLACED:
      return "never";
    case CloseCode.HELLO_TIMEOUT:
    case CloseCode.TOO_SLOW:
    case CloseCode.CONTROL_LOST:
      return "now";
    default:
      return "back-off";
  }
}

/** How a connection, or the attempt to make one, ended. */
export type End =
  /** The server closed it and asks to wait that long (0: no wish). */
  | { type: "closed"; code: number; retryAfterMs: number }
  /** The path or the server is gone. */
  | { type: "lost" }
  /** No connection could be made. */
  | { type: "unreachable" }
  /** No token could be had from the application, or not before that time: somebody has to let the user in, say. */
  | { type: "no-token"; reason?: Reason | undefined; retryAfterMs?: number };

/** What the owner does next. */
export type Order =
  /** Get a token; `fresh` when the last one was refused. Report with `handleToken`. */
  | { type: "get-token"; fresh: boolean }
  /** Connect and say hello. */
  | { type: "dial" };

/** Where the client stands. */
export type Phase =
  /** An attempt is being made. */
  | { type: "connecting" }
  /** Connected. */
  | { type: "live"; sinceMs: number }
  /** Not connected; the next attempt comes at this time. */
  | { type: "waiting"; untilMs: number; after: End }
  /** Not connected, and not by itself again. */
  | { type: "stopped"; stop: Stop };

/** The policy of one client. Randomness is uniform in [0, 1). */
export class Supervisor {
  #current: Phase = { type: "connecting" };
  readonly #backoff = new Backoff();
  #beganMs = 0;
  #needsToken = false;
  #refusals = 0;
  #order: Order | undefined = { type: "get-token", fresh: false };
  /** A second connection is made beside the live one from this time on. */
  #secondMs: number | undefined;

  /** Where the client stands. */
  get phase(): Phase {
    return this.#current;
  }

  /** What the owner does next, once. */
  takeOrder(): Order | undefined {
    const order = this.#order;
    this.#order = undefined;
    return order;
  }

  /** When `handleTimeout` is due. */
  get timeoutMs(): number {
    if (this.#current.type === "waiting") return this.#current.untilMs;
    return this.#current.type === "live" ? (this.#secondMs ?? NEVER) : NEVER;
  }

  /** The time of `timeoutMs` has come. */
  handleTimeout(now: Now): void {
    if (this.timeoutMs > now.elapsedMs) return;
    if (this.#current.type === "waiting") this.#attempt(now);
    else if (this.#current.type === "live") this.#second();
  }

  /** The application gave a token. */
  handleToken(): void {
    this.#needsToken = false;
    if (this.#current.type !== "stopped") this.#order = { type: "dial" };
  }

  /** A connection was welcomed. */
  handleWelcome(now: Now): void {
    this.#secondMs = undefined;
    this.#refusals = 0;
    this.#current = { type: "live", sinceMs: now.elapsedMs };
  }

  /** The connection in use, or the attempt to make the first one, has ended. */
  handleEnd(end: End, now: Now, random: number): void {
    const before = this.#current;
    if (before.type === "waiting" || before.type === "stopped") return;
    const wasLive = before.type === "live";
    const isStable = wasLive && now.elapsedMs - before.sinceMs >= STABLE_AFTER_MS;
    this.#secondMs = undefined;
    if (isStable) this.#backoff.reset();
    const what = whatAfter(end, wasLive);
    if (what === "never" || (what === "with-new-token" && this.#refuse(wasLive))) {
      this.#current = { type: "stopped", stop: stopOf(end) };
      return;
    }
    // A live connection whose token ran out gets a new one at once; a token refused in a hello is not
    // asked for in a tight loop.
    const isAtOnce = what !== "back-off" && isStable;
    // A path that died under a good connection is worth an attempt at once.
    const delayMs = isAtOnce ? 0 : this.#backoff.nextDelay(random);
    this.#wait(end, delayMs, now);
  }

  /** Whether one token too many was refused. */
  #refuse(wasLive: boolean): boolean {
    this.#needsToken = true;
    if (!wasLive) this.#refusals += 1;
    return this.#refusals >= TOKENS_REFUSED_MAX;
  }

  #wait(end: End, delayMs: number, now: Now): void {
    const wishMs = Math.min(("retryAfterMs" in end && end.retryAfterMs) || 0, RETRY_AFTER_MAX_MS);
    const untilMs =
      end.type === "unreachable"
        ? // Nobody heard the attempt, and it took long: its time counts as a part of the wait.
          Math.max(this.#beganMs + delayMs, now.elapsedMs)
        : // What the server asks for is a minimum, to which the jitter is added.
          now.elapsedMs + wishMs + delayMs;
    this.#current = { type: "waiting", untilMs, after: end };
    if (untilMs === now.elapsedMs) this.#attempt(now);
  }

  /** Signing in is refused: the application has to do that anew. */
  handleSignInRefused(reason: Reason | undefined): void {
    this.#secondMs = this.#order = undefined;
    this.#current = { type: "stopped", stop: { why: "sign-in-refused", code: "UNSPECIFIED", reason } };
  }

  /** An attempt to make a second connection beside the live one failed: the live one goes on. */
  handleSecondFailed(now: Now, random: number): void {
    if (this.#secondMs === undefined) return;
    this.#secondMs = now.elapsedMs + Math.min(this.#backoff.nextDelay(random), SECOND_WITHIN_MS);
  }

  /** The device has another network: whoever waits connects now; a live connection gets a second one. */
  handleNetworkChanged(now: Now): void {
    this.#backoff.reset();
    if (this.#current.type === "live") this.handleStalled(now);
    else if (this.#current.type !== "stopped") this.#attempt(now);
  }

  /** The live connection may be dead: a second one is made beside it, unless that is under way. */
  handleStalled(now: Now): void {
    if (this.#current.type !== "live" || this.#secondMs !== undefined) return;
    this.#secondMs = now.elapsedMs;
    this.#second();
  }

  /** The live connection's path was shown to work: no second connection is wanted. */
  handlePathAlive(): void {
    this.#secondMs = undefined;
    if (this.#current.type === "live") this.#order = undefined;
  }

  /** The server drains: a second connection is made after a random part of the jitter. */
  handleDrain(jitterMs: number, now: Now, random: number): void {
    if (this.#current.type === "live") {
      this.#secondMs = now.elapsedMs + Math.min(jitterMs, RETRY_AFTER_MAX_MS) * random;
    }
  }

  /** The application asks for another attempt, with a new token. */
  handleRestart(now: Now): void {
    if (this.#current.type !== "stopped" && this.#current.type !== "waiting") return;
    this.#backoff.reset();
    this.#refusals = 0;
    this.#needsToken = true;
    this.#attempt(now);
  }

  #attempt(now: Now): void {
    this.#beganMs = now.elapsedMs;
    this.#current = { type: "connecting" };
    this.#order = { type: "get-token", fresh: this.#needsToken };
  }

  #second(): void {
    this.#order = { type: "get-token", fresh: false };
    // Asked once; a failure sets the time again.
    this.#secondMs = NEVER;
  }
}

function whatAfter(end: End, wasLive: boolean): Reconnect {
  if (end.type === "closed") return reconnectAfter(end.code);
  return end.type === "lost" && wasLive ? "now" : "back-off";
}

function stopOf(end: End): Stop {
  const code = end.type === "closed" ? end.code : 0;
  const name = closeName(code);
  if (reconnectAfter(code) === "with-new-token") return { why: "token-refused", code: name };
  if (code === CloseCode.REVOKED) return { why: "revoked", code: name };
  if (code === CloseCode.NO_COMMON_REVISION) return { why: "no-common-revision", code: name };
  return { why: code === CloseCode.REPLACED ? "replaced" : "protocol", code: name };
}
