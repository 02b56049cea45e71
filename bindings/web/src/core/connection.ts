/**
 * One connection as a state machine: bytes of its lanes in, typed outputs and bytes out. It knows calls
 * but no method, and nothing of what came before or comes after this connection.
 */

import { FrameError, frame, Splitter } from "../codec/frame.js";
import { decode, type Init } from "../codec/message.js";
import { concat } from "../codec/wire.js";
import {
  ClientFrame,
  type Drain,
  type Goodbye,
  type Reply,
  ServerFrame,
  type Welcome,
} from "../generated/wire/v1/control.js";
import { CloseCode, type Error as WireError } from "../generated/wire/v1/error.js";
import { type DeviceId, fieldOf } from "../ids.js";
import {
  CALLS_IN_FLIGHT_MAX,
  CALLS_WAITING_MAX,
  CONTROL_FRAME_BYTES_MAX,
  PING_EVERY_MS,
  PONG_WITHIN_MS,
  STALLED_AFTER_MS,
  WELCOME_WITHIN_MS,
} from "../limits.js";
import { NEVER, type Now } from "../time.js";
import { EventLane, type Live, readDatagram, UnknownLane } from "./lanes.js";

/** The one revision of the protocol there is. */
const REVISION = 1;

/** What the hello says, apart from what this file knows by itself. */
export interface Introduction {
  /** The JWT. */
  token: string;
  /** This installation. */
  device: DeviceId;
  /** From the last welcome; empty for none. */
  resume: Uint8Array;
  /** Which events the connection gets: a `Delivery`. */
  delivery: number;
  /** Name and version of the software, for the server's logs. */
  agent: string;
}

/** The answer to a call. */
export type CallResult = { ok: true; body: Uint8Array } | { ok: false; error: WireError };

/** What a connection tells its owner. */
export type Output =
  /** The connection is established. */
  | { type: "welcome"; welcome: Welcome }
  /** The answer to a call. */
  | { type: "reply"; id: number; result: CallResult }
  /** A ping was answered. */
  | { type: "pong" }
  /** A newer token is wanted before this time, Unix milliseconds. */
  | { type: "reauth-required"; deadlineMs: number }
  /** The server goes away. */
  | { type: "drain"; drain: Drain }
  /** The server closes the connection. */
  | { type: "goodbye"; goodbye: Goodbye }
  /** Events and other live things. */
  | { type: "live"; live: Live }
  /** The server hasn't answered for a while: the path may be dead. */
  | { type: "stalled" }
  /** The server doesn't answer any more. */
  | { type: "lost" };

/** Something other than a welcome came first, or a second welcome. */
export class UnexpectedFrame extends Error {
  override readonly name = "UnexpectedFrame";
}

/** The code to close the connection with after an error of one of its lanes. */
export function closeCodeOf(error: unknown): number {
  if (error instanceof UnexpectedFrame) return CloseCode.UNEXPECTED_FRAME;
  if (error instanceof UnknownLane) return CloseCode.UNKNOWN_LANE;
  if (error instanceof FrameError && error.fault === "too-large") return CloseCode.FRAME_TOO_LARGE;
  if (error instanceof FrameError && error.fault === "truncated") return CloseCode.TRUNCATED_FRAME;
  return CloseCode.MALFORMED_FRAME;
}

type Phase = "hello" | "live" | "over";

/** One connection. */
export class Connection {
  #phase: Phase = "hello";
  readonly #control = new Splitter(CONTROL_FRAME_BYTES_MAX);
  readonly #events = new EventLane();
  #toSend: Uint8Array[] = [];
  #outputs: Output[] = [];
  /** Live things that came before the welcome: lanes aren't ordered among each other. */
  #early: Output[] = [];
  readonly #inFlight = new Set<number>();
  #inFlightMax = CALLS_IN_FLIGHT_MAX;
  #waiting: { id: number; bytes: Uint8Array }[] = [];
  readonly #welcomeUntilMs: number;
  #nonce = 0;
  #pingSentMs: number | undefined;
  #heardMs: number;
  #isStalled = false;

  /** A connection whose carrier is there: the hello waits in `takeTransmit`. */
  constructor(introduction: Introduction, now: Now) {
    this.#welcomeUntilMs = now.elapsedMs + WELCOME_WITHIN_MS;
    this.#heardMs = now.elapsedMs;
    const { token, resume, delivery, agent } = introduction;
    const device = fieldOf(introduction.device);
    const hello = { minRev: REVISION, maxRev: REVISION, token, device, resume, delivery, agent };
    this.#transmit({ case: "hello", value: hello });
  }

  // Inputs.

  /** Bytes of the control lane. Throws what `closeCodeOf` takes. */
  handleControl(bytes: Uint8Array, now: Now): void {
    this.#heard(now);
    this.#control.push(bytes);
    for (let next = this.#control.nextFrame(); next; next = this.#control.nextFrame()) {
      const { frame: arm } = decode(ServerFrame, next);
      if (arm !== undefined) this.#handleFrame(arm);
    }
  }

  /** Bytes of the event lane. Throws what `closeCodeOf` takes. */
  handleEvents(bytes: Uint8Array, now: Now): void {
    this.#heard(now);
    this.#events.push(bytes);
    for (let live = this.#events.nextLive(); live; live = this.#events.nextLive()) this.#tell(live);
  }

  /** A datagram. */
  handleDatagram(bytes: Uint8Array, now: Now): void {
    this.#heard(now);
    const live = readDatagram(bytes);
    if (live !== undefined) this.#tell(live);
  }

  /** The time of `timeoutMs` has come. */
  handleTimeout(now: Now): void {
    if (this.timeoutMs > now.elapsedMs) return;
    if (this.#phase === "live" && this.#pingSentMs === undefined) this.ping(now);
    else if (this.#phase === "live" && !this.#isStalled) {
      this.#isStalled = true;
      this.#outputs.push({ type: "stalled" });
    } else if (this.#phase !== "over") {
      this.#phase = "over";
      this.#outputs.push({ type: "lost" });
    }
  }

  #heard(now: Now): void {
    this.#heardMs = now.elapsedMs;
    this.#isStalled = false;
  }

  #tell(live: Live): void {
    (this.#phase === "hello" ? this.#early : this.#outputs).push({ type: "live", live });
  }

  #handleFrame(arm: NonNullable<ServerFrame["frame"]>): void {
    if (arm.case === "goodbye") {
      this.#phase = "over";
      this.#outputs.push({ type: "goodbye", goodbye: arm.value });
    } else if (arm.case === "welcome" && this.#phase === "hello") this.#handleWelcome(arm.value);
    else if (arm.case === "welcome" || arm.case === "signInResult" || this.#phase === "hello") {
      throw new UnexpectedFrame();
    } else if (arm.case === "reply") this.#handleReply(arm.value);
    else if (arm.case === "pong") this.#handlePong(arm.value.nonce);
    else if (arm.case === "reauthRequired") {
      this.#outputs.push({ type: "reauth-required", deadlineMs: arm.value.deadlineMs });
    } else this.#outputs.push({ type: "drain", drain: arm.value });
  }

  #handleWelcome(welcome: Welcome): void {
    this.#phase = "live";
    this.#inFlightMax = Math.max(welcome.limits?.callsInFlightMax ?? 0, CALLS_IN_FLIGHT_MAX);
    this.#outputs.push({ type: "welcome", welcome }, ...this.#early);
    this.#early = [];
  }

  #handleReply({ id, result }: Reply): void {
    // The answer to a cancelled call may still be on its way: it means nothing then.
    if (!this.#inFlight.delete(id)) return;
    const answer: CallResult =
      result?.case === "error"
        ? { ok: false, error: result.value }
        : { ok: true, body: result?.value ?? new Uint8Array(0) };
    this.#outputs.push({ type: "reply", id, result: answer });
    this.#sendWaiting();
  }

  #handlePong(nonce: number): void {
    if (this.#pingSentMs === undefined || nonce !== this.#nonce) return;
    this.#pingSentMs = undefined;
    this.#outputs.push({ type: "pong" });
  }

  // Commands.

  /** Makes a call. Over the number of calls in flight it waits here; `false` when too many do. */
  call(id: number, method: number, body: Uint8Array, chain: number): boolean {
    if (this.#waiting.length >= CALLS_WAITING_MAX) return false;
    const bytes = frame(ClientFrame, { frame: { case: "call", value: { id, method, body, chain } } });
    this.#waiting.push({ id, bytes });
    this.#sendWaiting();
    return true;
  }

  /** Stops waiting for a call's answer. It may have taken effect. */
  cancel(id: number): void {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((call) => call.id !== id);
    if (before !== this.#waiting.length || !this.#inFlight.delete(id)) return;
    this.#transmit({ case: "cancel", value: { id } });
    this.#sendWaiting();
  }

  /** Asks at once whether the server is there, unless that was asked already. */
  ping(now: Now): void {
    if (this.#phase !== "live" || this.#pingSentMs !== undefined) return;
    this.#nonce += 1;
    this.#pingSentMs = now.elapsedMs;
    this.#transmit({ case: "ping", value: { nonce: this.#nonce } });
  }

  #sendWaiting(): void {
    // Calls right behind the hello are allowed; the owner decides whether it makes any.
    while (this.#inFlight.size < this.#inFlightMax) {
      const call = this.#waiting.shift();
      if (call === undefined) return;
      this.#inFlight.add(call.id);
      this.#toSend.push(call.bytes);
    }
  }

  #transmit(arm: Init<NonNullable<ClientFrame["frame"]>>): void {
    this.#toSend.push(frame(ClientFrame, { frame: arm }));
  }

  // Outputs.

  /** Bytes for the control lane. */
  takeTransmit(): Uint8Array | undefined {
    if (this.#toSend.length === 0) return undefined;
    const bytes = concat(this.#toSend);
    this.#toSend = [];
    return bytes;
  }

  /** What to tell the owner, in order. */
  takeOutputs(): Output[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** When `handleTimeout` is due, in elapsed milliseconds. */
  get timeoutMs(): number {
    if (this.#phase === "hello") return this.#welcomeUntilMs;
    if (this.#phase === "over") return NEVER;
    if (this.#pingSentMs !== undefined) {
      return (
        Math.max(this.#pingSentMs, this.#heardMs) + (this.#isStalled ? PONG_WITHIN_MS : STALLED_AFTER_MS)
      );
    }
    return this.#heardMs + (this.isBusy ? STALLED_AFTER_MS : PING_EVERY_MS);
  }

  /** Whether the server hasn't answered for a while. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** Whether calls wait for an answer. */
  get isBusy(): boolean {
    return this.#inFlight.size > 0 || this.#waiting.length > 0;
  }
}
