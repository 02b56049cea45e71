/**
 * The connection of one client: gets tokens, dials when the supervisor says so, keeps the link in use and the one
 * that may take its place, and brings what they say to the engine.
 */

import { Malformed } from "../codec/wire.js";
import type { Output } from "../core/connection.js";
import type { Action } from "../core/engine/core.js";
import type { Engine } from "../core/engine/engine.js";
import type { Bulk } from "../core/lanes.js";
import { type End, Supervisor } from "../core/reconnect.js";
import { ParlourError } from "../errors.js";
import { Delivery, type Welcome } from "../generated/wire/v1/control.js";
import { CloseCode } from "../generated/wire/v1/error.js";
import { Directory } from "../net/endpoints.js";
import { connect } from "../net/race.js";
import { NEVER, type Now } from "../time.js";
import { type ClientOptions, clock, outlivesTokens, shortMemory, stadium } from "./environment.js";
import { Link } from "./link.js";
import { endedOf, type State } from "./state.js";

const AGENT = "parlour-web";

/** Keeps one client connected. */
export class Connector {
  readonly #options: ClientOptions;
  readonly #engine: Engine;
  readonly #flush: () => void;
  readonly #supervisor = new Supervisor();
  readonly #directory: Directory;
  #live: Link | undefined;
  /** A connection that wasn't welcomed yet. */
  #candidate: Link | undefined;
  /** The newest one. */
  welcome: Welcome | undefined;
  #attempt = new AbortController();
  #token = "";
  /** The page is put away, or the client is closed: nothing is dialled. */
  #isAtRest = false;

  constructor(options: ClientOptions, engine: Engine, flush: () => void) {
    this.#options = options;
    this.#engine = engine;
    this.#flush = flush;
    const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#directory = new Directory(options.url, shortMemory(), fetch);
  }

  // What the driver asks of it, again and again.

  /** Takes in what the links say, and does what the supervisor wants. */
  step(): void {
    for (const link of [this.#candidate, this.#live]) {
      for (const output of link?.connection.takeOutputs() ?? []) this.#handleOutput(link as Link, output);
    }
    const order = this.#isAtRest ? undefined : this.#supervisor.takeOrder();
    if (order?.type === "get-token") void this.#getToken(order.fresh);
    else if (order?.type === "dial") void this.#dial();
  }

  /** Does what the engine wants of the connection. */
  perform(action: Exclude<Action, { type: "load" }>): void {
    if (action.type === "call") {
      this.#live?.connection.call(action.id, action.request.method, action.request.body, action.chain);
    } else if (action.type === "cancel") this.#live?.connection.cancel(action.id);
    else if (action.type === "bulk") this.#live?.openBulk(action.id, action.request);
    else if (action.type === "cancel-bulk") this.#live?.cancelBulk(action.id);
    else this.#live?.sendDatagram(action.bytes);
  }

  /** Sends what waits. */
  transmit(): void {
    this.#candidate?.transmit();
    this.#live?.transmit();
  }

  /** When `handleTimeout` is due, in elapsed milliseconds. */
  get timeoutMs(): number {
    if (this.#isAtRest) return NEVER;
    const links = [this.#live, this.#candidate].map((link) => link?.connection.timeoutMs ?? NEVER);
    return Math.min(this.#supervisor.timeoutMs, ...links);
  }

  /** A time has come. */
  handleTimeout(now: Now): void {
    this.#live?.connection.handleTimeout(now);
    this.#candidate?.connection.handleTimeout(now);
    this.#supervisor.handleTimeout(now);
  }

  /** The link in use. */
  get link(): Link | undefined {
    return this.#live;
  }

  /** Where the client stands, after it stood at `before`. */
  stateAfter(before: State): State {
    const { phase } = this.#supervisor;
    if (this.#live)
      return { type: "live", carrier: this.#live.carrierName, isStalled: this.#live.connection.isStalled };
    if (phase.type === "stopped") return phase;
    if (phase.type !== "waiting") return { type: "connecting" };
    const after = endedOf(phase.after);
    const retryAtMs = Math.round(Date.now() + phase.untilMs - performance.now());
    // The clocks drift apart: what was said once stays said.
    const isSaid = before.type === "offline" && Math.abs(before.retryAtMs - retryAtMs) < 100;
    return { type: "offline", retryAtMs: isSaid ? before.retryAtMs : retryAtMs, after };
  }

  // Commands.

  /** The device has another network. */
  networkChanged(): void {
    this.#supervisor.handleNetworkChanged(clock());
    this.#live?.connection.ping(clock());
  }

  /** Asks whether the server is there. */
  ping(): void {
    this.#live?.connection.ping(clock());
  }

  /** Connects again after a stop, or at once while offline, with a fresh token. */
  reconnect(): void {
    this.#supervisor.handleRestart(clock());
  }

  /** The page is put away, or the client ends: the server needn't wait until it notices. */
  rest(): void {
    if (this.#isAtRest) return;
    this.#isAtRest = true;
    this.#begin();
    const live = this.#live;
    live?.close(CloseCode.CLIENT_DONE);
    if (live) this.#handleLiveEnded({ type: "lost" });
  }

  /** The page is there again. */
  wake(): void {
    if (!this.#isAtRest) return;
    this.#isAtRest = false;
    this.networkChanged();
  }

  // Attempts.

  #begin(): AbortSignal {
    this.#attempt.abort();
    this.#candidate?.close(CloseCode.CLIENT_MOVED);
    this.#candidate = undefined;
    this.#attempt = new AbortController();
    return this.#attempt.signal;
  }

  async #getToken(fresh: boolean): Promise<void> {
    const attempt = this.#begin();
    try {
      const token = await this.#askToken(fresh);
      if (attempt.aborted) return;
      this.#token = token;
      this.#supervisor.handleToken();
    } catch (error) {
      if (attempt.aborted) return;
      this.#handleNoToken(error);
    }
    this.#flush();
  }

  async #askToken(fresh: boolean): Promise<string> {
    const { token } = this.#options;
    if (typeof token === "string") return token;
    return typeof token === "object" ? token.token(fresh) : token(fresh);
  }

  #handleNoToken(error: unknown): void {
    const {
      kind,
      retry,
      reason,
      retryAfterMs = 0,
    } = (error instanceof ParlourError ? error : {}) as ParlourError;
    if (kind === "refused" && retry === "NEVER") {
      this.#supervisor.handleSignInRefused(reason);
      this.#engine.stopPaging();
    } else if (kind === "offline") this.#handleAttemptFailed({ type: "unreachable" });
    else this.#handleAttemptFailed({ type: "no-token", reason, retryAfterMs });
  }

  async #dial(): Promise<void> {
    const attempt = this.#attempt.signal;
    try {
      const carrier = await connect(this.#directory, stadium(this.#options), attempt);
      if (attempt.aborted) carrier.close(CloseCode.CLIENT_DONE, "");
      else this.#candidate = new Link(carrier, this.#introduction(), this.#owner);
    } catch {
      if (!attempt.aborted) this.#handleAttemptFailed({ type: "unreachable" });
    }
    this.#flush();
  }

  #introduction() {
    const { device, resume, focus } = this.#engine;
    const delivery = focus === "focused" ? Delivery.FOCUSED : Delivery.ALL;
    return { token: this.#token, device, resume, delivery, agent: this.#options.agent ?? AGENT };
  }

  #handleAttemptFailed(end: End): void {
    if (this.#live) this.#supervisor.handleSecondFailed(clock(), Math.random());
    else {
      this.#supervisor.handleEnd(end, clock(), Math.random());
      this.#noticeOffline();
    }
  }

  // Links.

  readonly #owner = {
    changed: () => this.#flush(),
    bulk: (id: number, bulk: Bulk | undefined) => {
      if (bulk) this.#engine.handleBulk(id, bulk, clock());
      else this.#engine.handleBulkCut(id, clock());
      this.#flush();
    },
    ended: (link: Link, how: End) => {
      const isRevoked = how.type === "closed" && how.code === CloseCode.REVOKED;
      const goesOn = isRevoked && outlivesTokens(this.#options.token);
      const end = goesOn ? { ...how, code: CloseCode.TOKEN_INVALID } : how;
      if (link === this.#live) this.#handleLiveEnded(end);
      else if (link === this.#candidate) {
        this.#candidate = undefined;
        this.#handleAttemptFailed(end);
      }
      this.#flush();
    },
  };

  #handleLiveEnded(end: End): void {
    this.#live = undefined;
    this.#engine.handleDisconnected();
    this.#supervisor.handleEnd(end, clock(), Math.random());
    this.#noticeOffline();
  }

  /** Pages that only the server has don't come for a while. */
  #noticeOffline(): void {
    if (this.#isAtRest || this.#supervisor.phase.type !== "connecting") this.#engine.stopPaging();
  }

  #handleOutput(link: Link, output: Output): void {
    const now = clock();
    if (output.type === "welcome") this.#handleWelcome(link, output.welcome);
    else if (output.type === "goodbye" || output.type === "lost") link.handleLast(output);
    else if (link !== this.#live) return;
    else if (output.type === "reply") this.#engine.handleReply(output.id, output.result, now);
    else if (output.type === "live") this.#engine.handleLive(output.live, now);
    else if (output.type === "pong") this.#supervisor.handlePathAlive();
    else if (output.type === "stalled") this.#supervisor.handleStalled(now);
    else if (output.type === "drain") this.#supervisor.handleDrain(output.drain.jitterMs, now, Math.random());
    else if (output.type === "reauth-required") void this.#reauth(link);
  }

  #handleWelcome(link: Link, welcome: Welcome): void {
    if (link !== this.#candidate) return;
    const before = this.#live;
    try {
      this.#engine.handleWelcome(welcome, clock());
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      link.close(CloseCode.MALFORMED_FRAME);
      this.#candidate = undefined;
      this.#handleAttemptFailed({ type: "closed", code: CloseCode.MALFORMED_FRAME, retryAfterMs: 0 });
      return;
    }
    this.#live = link;
    this.welcome = welcome;
    this.#candidate = undefined;
    before?.close(CloseCode.CLIENT_MOVED);
    this.#supervisor.handleWelcome(clock());
  }

  async #reauth(link: Link): Promise<void> {
    const token = await this.#askToken(true).catch(() => undefined);
    if (token === undefined || link !== this.#live) return;
    this.#token = token;
    link.reauth(token);
    this.#flush();
  }
}
