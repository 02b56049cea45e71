/**
 * The edge of the client: it has the clocks, the connection and the cache, and brings what comes to the state
 * machines and what they want to the world. Everything happens in `flush`, one thing after the other.
 */

import { Malformed } from "../codec/wire.js";
import type { Cache, Saved } from "../core/cache/cache.js";
import type { CallResult, Output } from "../core/connection.js";
import type { Action, Answer, Notice, SendFault } from "../core/engine/core.js";
import { Engine } from "../core/engine/engine.js";
import type { Payload, Request } from "../core/payload.js";
import type { UserPresence } from "../core/presence.js";
import { type End, Supervisor } from "../core/reconnect.js";
import type { RoomSummary } from "../core/rooms.js";
import type { Item } from "../core/timeline/item.js";
import type { Scope } from "../core/timeline/threads.js";
import { ParlourError } from "../errors.js";
import { Delivery } from "../generated/wire/v1/control.js";
import { CloseCode } from "../generated/wire/v1/error.js";
import type { ClientRef, RoomId, UserId } from "../ids.js";
import { Directory } from "../net/endpoints.js";
import { connect } from "../net/race.js";
import { NEVER, type Now } from "../time.js";
import { type ClientOptions, clock, newDevice, randomBytes, shortMemory, stadium } from "./environment.js";
import { Link } from "./link.js";
import { ObservableList, ObservableValue } from "./observe.js";
import { endedOf, type State } from "./state.js";
import { Waiters } from "./waiters.js";
import { WatchedTimelines } from "./watched.js";

/** Where something sent got its place. */
export interface Sent {
  /** Its number in the room's log; 0 where nothing was to be done. */
  readonly seq: number;
  /** When, Unix milliseconds. */
  readonly atMs: number;
}

const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** Drives one client. */
export class Driver {
  readonly engine: Engine;
  readonly state = new ObservableValue<State>({ type: "connecting" });
  readonly rooms: ObservableList<RoomSummary>;
  readonly timelines: WatchedTimelines;
  readonly presences = new ObservableValue<ReadonlyMap<UserId, UserPresence>>(new Map());
  private readonly supervisor = new Supervisor();
  private readonly directory: Directory;
  private live: Link | undefined;
  /** A connection that wasn't welcomed yet. */
  private candidate: Link | undefined;
  private attempt = new AbortController();
  private token = "";
  private readonly calls = new Waiters<number, CallResult>();
  private readonly asked = new Waiters<number, Answer>();
  private readonly sends = new Waiters<ClientRef, Sent>();
  private readonly synced = new Waiters<"synced", void>();
  private syncedSoon: Promise<void> | undefined;
  private committed: Promise<void> = Promise.resolve();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isFlushing = false;
  private isAgain = false;
  private isClosed = false;
  private isHidden = false;

  constructor(
    private readonly options: ClientOptions,
    private readonly cache: Cache,
    saved: Saved,
  ) {
    this.engine = new Engine(saved, newDevice(), options.focus);
    this.rooms = new ObservableList([...this.engine.rooms]);
    this.timelines = new WatchedTimelines(this.engine, this.flush);
    this.engine.takeRoomDiffs();
    this.directory = new Directory(
      options.url,
      shortMemory(),
      options.fetch ?? globalThis.fetch.bind(globalThis),
    );
  }

  // The loop.

  /** Does what is to be done, until nothing is. */
  readonly flush = (): void => {
    this.isAgain = true;
    if (this.isFlushing) return;
    this.isFlushing = true;
    try {
      while (this.isAgain) {
        this.isAgain = false;
        this.step();
      }
    } finally {
      this.isFlushing = false;
    }
    this.setTimer();
  };

  private step(): void {
    for (const link of [this.candidate, this.live]) {
      for (const output of link?.connection.takeOutputs() ?? []) this.handleOutput(link as Link, output);
    }
    this.handleOrder();
    for (const action of this.engine.takeActions()) this.perform(action);
    this.candidate?.transmit();
    this.live?.transmit();
    this.commit();
    for (const notice of this.engine.takeNotices()) this.tell(notice);
    this.publish();
    this.updateState();
  }

  private setTimer(): void {
    clearTimeout(this.timer);
    if (this.isClosed || this.isHidden) return;
    const dueMs = Math.min(
      this.engine.timeoutMs,
      this.supervisor.timeoutMs,
      this.live?.connection.timeoutMs ?? NEVER,
      this.candidate?.connection.timeoutMs ?? NEVER,
    );
    if (dueMs === NEVER) return;
    const waitMs = Math.min(Math.max(dueMs - performance.now(), 0), TIMEOUT_MS_MAX);
    this.timer = setTimeout(this.handleTimeout, Math.ceil(waitMs));
  }

  private readonly handleTimeout = (): void => {
    const now = clock();
    this.live?.connection.handleTimeout(now);
    this.candidate?.connection.handleTimeout(now);
    this.supervisor.handleTimeout(now);
    this.engine.handleTimeout(now);
    this.flush();
  };

  // The connection.

  private handleOrder(): void {
    const order = this.isClosed || this.isHidden ? undefined : this.supervisor.takeOrder();
    if (order?.type === "get-token") void this.getToken(order.fresh);
    else if (order?.type === "dial") void this.dial();
  }

  private begin(): AbortSignal {
    this.attempt.abort();
    this.candidate?.close(CloseCode.CLIENT_MOVED);
    this.candidate = undefined;
    this.attempt = new AbortController();
    return this.attempt.signal;
  }

  private async getToken(fresh: boolean): Promise<void> {
    const attempt = this.begin();
    const token = await this.askToken(fresh);
    if (attempt.aborted) return;
    if (token === undefined) this.handleAttemptFailed({ type: "no-token" });
    else {
      this.token = token;
      this.supervisor.handleToken();
    }
    this.flush();
  }

  private async askToken(fresh: boolean): Promise<string | undefined> {
    const { token } = this.options;
    try {
      return typeof token === "string" ? token : await token(fresh);
    } catch {
      return undefined;
    }
  }

  private async dial(): Promise<void> {
    const attempt = this.attempt.signal;
    try {
      const carrier = await connect(this.directory, stadium(this.options), attempt);
      if (attempt.aborted) carrier.close(CloseCode.CLIENT_DONE, "");
      else this.candidate = new Link(carrier, this.introduction(), this.linkOwner);
    } catch {
      if (!attempt.aborted) this.handleAttemptFailed({ type: "unreachable" });
    }
    this.flush();
  }

  private introduction() {
    const { device, resume, focus } = this.engine;
    const delivery = focus === "focused" ? Delivery.FOCUSED : Delivery.ALL;
    const agent = this.options.agent ?? "parlour-web";
    return { token: this.token, device, resume, delivery, agent };
  }

  private readonly linkOwner = {
    changed: this.flush,
    bulk: (id: number, bulk: Parameters<Engine["handleBulk"]>[1] | undefined) => {
      if (bulk) this.engine.handleBulk(id, bulk, clock());
      else this.engine.handleBulkCut(id, clock());
      this.flush();
    },
    ended: (link: Link, end: End) => {
      if (link === this.live) this.handleLiveEnded(end);
      else if (link === this.candidate) {
        this.candidate = undefined;
        this.handleAttemptFailed(end);
      }
      this.flush();
    },
  };

  private handleLiveEnded(end: End): void {
    this.live = undefined;
    this.engine.handleDisconnected();
    this.supervisor.handleEnd(end, clock(), Math.random());
    this.noticeOffline();
  }

  private handleAttemptFailed(end: End): void {
    if (this.live) this.supervisor.handleSecondFailed(clock(), Math.random());
    else {
      this.supervisor.handleEnd(end, clock(), Math.random());
      this.noticeOffline();
    }
  }

  /** Pages that only the server has don't come for a while. */
  private noticeOffline(): void {
    if (this.supervisor.phase.type !== "connecting") this.engine.stopPaging();
  }

  private handleOutput(link: Link, output: Output): void {
    const now = clock();
    if (output.type === "welcome") this.handleWelcome(link, output.welcome);
    else if (output.type === "goodbye" || output.type === "lost") link.handleLast(output);
    else if (link !== this.live) return;
    else if (output.type === "reply") this.engine.handleReply(output.id, output.result, now);
    else if (output.type === "live") this.engine.handleLive(output.live, now);
    else if (output.type === "pong") this.supervisor.handlePathAlive();
    else if (output.type === "stalled") this.supervisor.handleStalled(now);
    else if (output.type === "drain") this.supervisor.handleDrain(output.drain.jitterMs, now, Math.random());
    else if (output.type === "reauth-required") void this.reauth(link);
  }

  private handleWelcome(link: Link, welcome: Parameters<Engine["handleWelcome"]>[0]): void {
    if (link !== this.candidate) return;
    const before = this.live;
    try {
      this.engine.handleWelcome(welcome, clock());
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      link.close(CloseCode.MALFORMED_FRAME);
      this.candidate = undefined;
      this.handleAttemptFailed({ type: "closed", code: CloseCode.MALFORMED_FRAME, retryAfterMs: 0 });
      return;
    }
    this.live = link;
    this.candidate = undefined;
    before?.close(CloseCode.CLIENT_MOVED);
    this.supervisor.handleWelcome(clock());
  }

  private async reauth(link: Link): Promise<void> {
    const token = await this.askToken(true);
    if (token === undefined || link !== this.live) return;
    this.token = token;
    link.reauth(token);
    this.flush();
  }

  /** The device has another network, or woke up. */
  networkChanged(): void {
    this.supervisor.handleNetworkChanged(clock());
    this.live?.connection.ping(clock());
    this.flush();
  }

  /** Connects again after a stop, or at once while offline, with a fresh token. */
  reconnect(): void {
    this.supervisor.handleRestart(clock());
    this.flush();
  }

  /** The page is put away: the server needn't wait until it notices. */
  suspend(): void {
    if (this.isClosed || this.isHidden) return;
    this.isHidden = true;
    this.begin();
    this.live?.close(CloseCode.CLIENT_DONE);
    if (this.live) this.handleLiveEnded({ type: "lost" });
    this.flush();
  }

  /** The page is there again. */
  resume(): void {
    if (!this.isHidden) return;
    this.isHidden = false;
    this.networkChanged();
  }

  /** Ends the client. What waits in the outbox is kept in the cache. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.begin();
    this.live?.close(CloseCode.CLIENT_DONE);
    this.live = undefined;
    this.engine.handleDisconnected();
    this.flush();
    clearTimeout(this.timer);
    this.endAll();
    await this.committed;
    this.cache.close();
  }

  private endAll(): void {
    for (const waiters of [this.calls, this.asked, this.sends, this.synced]) waiters.close();
    this.timelines.close();
    for (const source of [this.rooms, this.state, this.presences]) source.end();
  }

  private perform(action: Action): void {
    if (action.type === "load") void this.load(action);
    else if (action.type === "call") {
      this.live?.connection.call(action.id, action.request.method, action.request.body, action.chain);
    } else if (action.type === "cancel") this.live?.connection.cancel(action.id);
    else if (action.type === "bulk") this.live?.openBulk(action.id, action.request);
    else if (action.type === "cancel-bulk") this.live?.cancelBulk(action.id);
    else this.live?.sendDatagram(action.bytes);
  }

  // The cache.

  private async load({ id, room, before, limit }: Extract<Action, { type: "load" }>): Promise<void> {
    // What was written before is read.
    await this.committed.catch(() => undefined);
    const runs = await this.cache.runs(room, before, limit).catch(() => []);
    this.engine.handleLoaded(id, runs);
    this.flush();
  }

  private commit(): void {
    const batch = this.engine.takeWrites();
    if (!batch) return;
    const before = this.committed.catch(() => undefined);
    this.committed = before.then(() => this.cache.commit(batch.writes));
    // Whoever wants to know awaits it; for the others it is only slower the next time.
    this.committed.catch(() => undefined);
  }

  // The application.

  private tell(notice: Notice): void {
    if (notice.type === "reply") this.calls.take(notice.id)?.resolve(notice.result);
    else if (notice.type === "answered") this.asked.take(notice.id)?.resolve(notice.answer);
    else if (notice.type === "sent") this.sends.take(notice.clientRef)?.resolve(sentOf(notice));
    else if (notice.type === "failed") this.sends.take(notice.clientRef)?.reject(sendError(notice.fault));
    else if (notice.type === "ref-expired") this.renewRef(notice.clientRef);
    else if (notice.type === "opened") this.timelines.handleOpened(notice.scope);
    else if (notice.type === "paged") this.timelines.handlePaged(notice.scope, notice.fault);
    else if (notice.type === "synced") this.synced.take("synced")?.resolve();
  }

  private renewRef(clientRef: ClientRef): void {
    const renewed = this.engine.renewRef(clientRef, randomBytes(10), clock());
    if (renewed) this.sends.rename(clientRef, renewed);
    this.isAgain = true;
  }

  private publish(): void {
    this.rooms.change(this.engine.takeRoomDiffs());
    this.timelines.publish();
    const changes = this.engine.takePresenceChanges();
    if (changes.length === 0) return;
    const all = new Map(this.presences.current);
    for (const presence of changes) all.set(presence.user, presence);
    this.presences.set(all);
  }

  private updateState(): void {
    const state = this.presentState();
    const before = this.state.current;
    if (JSON.stringify(state) !== JSON.stringify(before)) this.state.set(state);
  }

  private presentState(): State {
    const { phase } = this.supervisor;
    if (this.isClosed) return { type: "closed" };
    if (this.live) return { type: "live", carrier: this.live.carrierName };
    if (phase.type === "stopped") return phase;
    if (phase.type !== "waiting") return { type: "connecting" };
    const before = this.state.current;
    const after = endedOf(phase.after);
    // The clocks drift apart: what was said once stays said.
    if (
      before.type === "offline" &&
      Math.abs(before.retryAtMs - Date.now() - (phase.untilMs - performance.now())) < 100
    ) {
      return { ...before, after };
    }
    return { type: "offline", retryAtMs: Math.round(Date.now() + phase.untilMs - performance.now()), after };
  }

  // Commands.

  /** Makes a call. */
  call(request: Request, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const id = this.isClosed ? undefined : this.engine.call(request);
    const answer = this.wait(this.calls, id, signal, (given) => this.engine.cancel(given));
    return answer.then((result) => {
      if (result.ok) return result.body;
      throw ParlourError.refused(result.error);
    });
  }

  /** Makes a bulk call, and waits for all of its answer. */
  ask(request: Request, signal: AbortSignal | undefined): Promise<Uint8Array[]> {
    const id = this.isClosed ? undefined : this.engine.ask(request);
    const answer = this.wait(this.asked, id, signal, (given) => this.engine.stopAsking(given));
    return answer.then((result) => {
      if (result.ok) return result.items;
      throw "error" in result ? ParlourError.refused(result.error) : new ParlourError("too-large");
    });
  }

  private async wait<T>(
    waiters: Waiters<number, T>,
    id: number | undefined,
    signal: AbortSignal | undefined,
    cancel: (id: number) => void,
  ): Promise<T> {
    if (id === undefined) throw new ParlourError(this.isClosed ? "closed" : "too-many-calls");
    const answer = waiters.wait(id);
    const abort = () => {
      cancel(id);
      waiters.take(id)?.reject(signal?.reason);
      this.flush();
    };
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort);
    this.flush();
    try {
      return await answer;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Puts something into the outbox: it is written down, and will be sent. */
  async queue(room: RoomId, payload: Payload): Promise<{ clientRef: ClientRef; sent: Promise<Sent> }> {
    if (this.isClosed) throw new ParlourError("closed");
    const clientRef = this.engine.send(room, payload, randomBytes(10), clock());
    if (clientRef === undefined) throw new ParlourError("outbox-full");
    const sent = this.sends.wait(clientRef);
    // Whoever doesn't wait sees in the timeline what became of it.
    sent.catch(() => undefined);
    this.flush();
    try {
      await this.committed;
    } catch (cause) {
      throw new ParlourError("cache", { cause });
    }
    return { clientRef, sent };
  }

  /** The time. */
  now(): Now {
    return clock();
  }

  /** The list of a timeline, once what the cache has of it is there. */
  async watch(scope: Scope): Promise<ObservableList<Item>> {
    if (this.isClosed) throw new ParlourError("closed");
    return this.timelines.watch(scope);
  }

  /** Does something with the engine that needs no answer. */
  hint(command: (engine: Engine) => void): void {
    if (this.isClosed) return;
    command(this.engine);
    this.flush();
  }

  /** Waits until everything that happened while the client was away is known. */
  whenSynced(): Promise<void> {
    if (this.engine.isSynced) return Promise.resolve();
    if (this.isClosed) return Promise.reject(new ParlourError("closed"));
    this.syncedSoon ??= this.synced.wait("synced").finally(() => {
      this.syncedSoon = undefined;
    });
    return this.syncedSoon;
  }
}

function sentOf({ seq, atMs }: Sent): Sent {
  return { seq, atMs };
}

function sendError(fault: SendFault): ParlourError {
  return fault.why === "refused" ? ParlourError.refused(fault.error) : new ParlourError(fault.why);
}
