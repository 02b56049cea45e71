/**
 * The edge of the client: it brings what comes to the engine, and what that wants to the connection, the cache and
 * the application. Everything happens in `flush`, one thing after the other.
 */

import type { Cache, Saved } from "../core/cache/cache.js";
import type { CallResult } from "../core/connection.js";
import type { Action, Answer, Notice, SendFault } from "../core/engine/core.js";
import { Engine } from "../core/engine/engine.js";
import type { LogEvent } from "../core/event.js";
import type { Payload, Request } from "../core/payload.js";
import type { UserPresence } from "../core/presence.js";
import type { RoomSummary } from "../core/rooms.js";
import type { Signal } from "../core/signal.js";
import type { Item } from "../core/timeline/item.js";
import type { Scope } from "../core/timeline/threads.js";
import { ParlourError } from "../errors.js";
import type { Welcome } from "../generated/wire/v1/control.js";
import type { ClientRef, RoomId, UserId } from "../ids.js";
import { CACHE_ANEW_AFTER_MS } from "../limits.js";
import { NEVER, type Now } from "../time.js";
import { Connector } from "./connector.js";
import { type ClientOptions, clock, newDevice, randomBytes } from "./environment.js";
import type { Link } from "./link.js";
import { ObservableList, ObservableStream, ObservableValue } from "./observe.js";
import type { State } from "./state.js";
import type { User } from "./user.js";
import { Waiters } from "./waiters.js";
import { WatchedTimelines } from "./watched.js";

/** The next events of one room's log, as the server wrote them. */
export interface RoomEvents {
  readonly room: RoomId;
  /** In the log's order. */
  readonly events: readonly LogEvent[];
}

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
  readonly cache: Cache;
  readonly engine: Engine;
  readonly state = new ObservableValue<State>({ type: "connecting" });
  readonly rooms: ObservableList<RoomSummary>;
  readonly timelines: WatchedTimelines;
  readonly events = new ObservableStream<RoomEvents>();
  readonly isSynced = new ObservableValue(false);
  readonly signals = new ObservableStream<Signal>();
  /** Users who were asked for before. */
  readonly users = new Map<UserId, User>();
  readonly #adopted = new Set<{ end(): void }>();
  readonly presences = new ObservableValue<ReadonlyMap<UserId, UserPresence>>(new Map());
  readonly #connector: Connector;
  readonly #calls = new Waiters<number, CallResult>();
  readonly #asked = new Waiters<number, Answer>();
  readonly #sends = new Waiters<ClientRef, Sent>();
  readonly #synced = new Waiters<"synced", void>();
  #syncedSoon: Promise<void> | undefined;
  #committed: Promise<void> = Promise.resolve();
  /** When a cache that took no changes is written anew. */
  #anewMs: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isFlushing = false;
  #isAgain = false;
  #isClosed = false;

  constructor(options: ClientOptions, cache: Cache, saved: Saved) {
    this.cache = cache;
    const device = typeof options.token === "object" ? options.token.device : undefined;
    this.engine = new Engine(saved, device ?? newDevice(), options.focus);
    this.rooms = new ObservableList([...this.engine.rooms]);
    this.engine.takeRoomDiffs();
    this.timelines = new WatchedTimelines(this.engine, this.flush);
    this.#connector = new Connector(options, this.engine, this.flush);
  }

  // The loop.

  /** Does what is to be done, until nothing is. */
  readonly flush = (): void => {
    this.#isAgain = true;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      while (this.#isAgain) {
        this.#isAgain = false;
        this.#step();
      }
    } finally {
      this.#isFlushing = false;
    }
    this.#setTimer();
  };

  #step(): void {
    this.#connector.step();
    for (const action of this.engine.takeActions()) {
      if (action.type === "load") void this.#load(action);
      else this.#connector.perform(action);
    }
    this.#connector.transmit();
    this.#commit();
    for (const notice of this.engine.takeNotices()) this.#tell(notice);
    this.#publish();
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const dueMs = Math.min(this.engine.timeoutMs, this.#connector.timeoutMs);
    if (this.#isClosed || dueMs === NEVER) return;
    const waitMs = Math.min(Math.max(dueMs - performance.now(), 0), TIMEOUT_MS_MAX);
    this.#timer = setTimeout(this.#handleTimeout, Math.ceil(waitMs));
  }

  readonly #handleTimeout = (): void => {
    const now = clock();
    this.#connector.handleTimeout(now);
    this.engine.handleTimeout(now);
    this.flush();
  };

  // The cache.

  async #load({ id, room, before, limit }: Extract<Action, { type: "load" }>): Promise<void> {
    // What was written before is read.
    await this.#committed.catch(() => undefined);
    const runs = await this.cache.runs(room, before, limit).catch(() => []);
    this.engine.handleLoaded(id, runs);
    this.flush();
  }

  #commit(): void {
    if (this.#anewMs !== undefined && performance.now() >= this.#anewMs) {
      this.#anewMs = undefined;
      this.engine.writeAnew();
    }
    const batch = this.engine.takeWrites();
    if (!batch || this.#anewMs !== undefined) return;
    const before = this.#committed.catch(() => undefined);
    this.#committed = before.then(() => this.cache.commit(batch.writes));
    // Whoever wants to know awaits it; for the others what is cached is read anew.
    this.#committed.catch(() => {
      this.engine.loseCache();
      this.#anewMs = performance.now() + CACHE_ANEW_AFTER_MS;
    });
  }

  // The application.

  #tell(notice: Notice): void {
    if (notice.type === "reply") this.#calls.take(notice.id)?.resolve(notice.result);
    else if (notice.type === "answered") this.#asked.take(notice.id)?.resolve(notice.answer);
    else if (notice.type === "sent") this.#sends.take(notice.clientRef)?.resolve(sentOf(notice));
    else if (notice.type === "failed") this.#sends.take(notice.clientRef)?.reject(sendError(notice.fault));
    else if (notice.type === "ref-expired") this.#renewRef(notice.clientRef);
    else if (notice.type === "opened") this.timelines.handleOpened(notice.scope);
    else if (notice.type === "paged") this.timelines.handlePaged(notice.scope, notice.fault);
    else if (notice.type === "events") this.events.emit({ room: notice.room, events: notice.events });
    else if (notice.type === "signal") this.signals.emit(notice.signal);
    else if (notice.type === "synced") this.#synced.take("synced")?.resolve();
  }

  #renewRef(clientRef: ClientRef): void {
    const renewed = this.engine.renewRef(clientRef, randomBytes(10), clock());
    if (renewed) this.#sends.rename(clientRef, renewed);
    this.#isAgain = true;
  }

  #publish(): void {
    this.rooms.change(this.engine.takeRoomDiffs());
    this.timelines.publish();
    const changes = this.engine.takePresenceChanges();
    if (changes.length > 0) {
      const all = new Map(this.presences.current);
      for (const presence of changes) all.set(presence.user, presence);
      this.presences.set(all);
    }
    if (this.isSynced.current !== this.engine.isSynced) this.isSynced.set(this.engine.isSynced);
    const before = this.state.current;
    const state: State = this.#isClosed ? { type: "closed" } : this.#connector.stateAfter(before);
    if (JSON.stringify(state) !== JSON.stringify(before)) this.state.set(state);
  }

  // Commands.

  /** The time. */
  now(): Now {
    return clock();
  }

  /** The connection in use. */
  get link(): Link | undefined {
    return this.#connector.link;
  }

  /** The newest welcome. */
  get welcome(): Welcome | undefined {
    return this.#connector.welcome;
  }

  /** Waits for a connection. */
  async whenLive(signal: AbortSignal | undefined): Promise<Link> {
    const states = this.state[Symbol.asyncIterator]();
    const abort = () => void states.return?.();
    signal?.addEventListener("abort", abort);
    try {
      for await (const state of states) {
        if (this.link) return this.link;
        if (state.type === "stopped") throw new ParlourError("stopped", { stop: state.stop });
      }
    } finally {
      signal?.removeEventListener("abort", abort);
    }
    signal?.throwIfAborted();
    throw new ParlourError("closed");
  }

  /** This ends with the client, unless it ends before. */
  adopt<S extends { end(): void }>(source: S): S {
    if (this.#isClosed) throw new ParlourError("closed");
    this.#adopted.add(source);
    return source;
  }

  /** This has ended. */
  release(source: { end(): void }): void {
    this.#adopted.delete(source);
  }

  /** Does something with the connection that needs no answer. */
  nudge(command: (connector: Connector) => void): void {
    if (this.#isClosed) return;
    command(this.#connector);
    this.#handleTimeout();
  }

  /** Does something with the engine that needs no answer. */
  hint(command: (engine: Engine) => void): void {
    if (this.#isClosed) return;
    command(this.engine);
    this.flush();
  }

  /** Ends the client. What waits in the outbox is kept in the cache. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connector.rest();
    this.flush();
    clearTimeout(this.#timer);
    for (const waiters of [this.#calls, this.#asked, this.#sends, this.#synced]) waiters.close();
    this.timelines.close();
    const own = [this.rooms, this.state, this.presences, this.events, this.signals, this.isSynced];
    for (const source of [...own, ...this.#adopted]) source.end();
    await this.#committed.catch(() => undefined);
    this.cache.close();
  }

  /** Makes a call. */
  async call(request: Request, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const id = this.#isClosed ? undefined : this.engine.call(request);
    const result = await this.#wait(this.#calls, id, signal, (given) => this.engine.cancel(given));
    if (!result.ok) throw ParlourError.refused(result.error);
    return result.body;
  }

  /** Makes a bulk call, and waits for all of its answer. */
  async ask(request: Request, signal: AbortSignal | undefined): Promise<Uint8Array[]> {
    const id = this.#isClosed ? undefined : this.engine.ask(request);
    const result = await this.#wait(this.#asked, id, signal, (given) => this.engine.stopAsking(given));
    if (result.ok) return result.items;
    throw "error" in result ? ParlourError.refused(result.error) : new ParlourError("too-large");
  }

  async #wait<T>(
    waiters: Waiters<number, T>,
    id: number | undefined,
    signal: AbortSignal | undefined,
    cancel: (id: number) => void,
  ): Promise<T> {
    if (id === undefined) throw new ParlourError(this.#isClosed ? "closed" : "too-many-calls");
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
  async queue(
    room: RoomId,
    payload: Payload,
    waitMs?: number,
  ): Promise<{ clientRef: ClientRef; sent: Promise<Sent> }> {
    if (this.#isClosed) throw new ParlourError("closed");
    const clientRef = this.engine.send(room, payload, randomBytes(10), clock(), waitMs);
    if (clientRef === undefined) throw new ParlourError("outbox-full");
    const sent = this.#sends.wait(clientRef);
    // Whoever doesn't wait sees in the timeline what became of it.
    sent.catch(() => undefined);
    this.flush();
    try {
      await this.#committed;
    } catch (cause) {
      throw new ParlourError("cache", { cause });
    }
    return { clientRef, sent };
  }

  /** The list of a timeline, once what the cache has of it is there. */
  async watch(scope: Scope): Promise<ObservableList<Item>> {
    if (this.#isClosed) throw new ParlourError("closed");
    return this.timelines.watch(scope);
  }

  /** Waits until everything that happened while the client was away is known. */
  whenSynced(): Promise<void> {
    if (this.engine.isSynced) return Promise.resolve();
    if (this.#isClosed) return Promise.reject(new ParlourError("closed"));
    this.#syncedSoon ??= this.#synced.wait("synced").finally(() => {
      this.#syncedSoon = undefined;
    });
    return this.#syncedSoon;
  }
}

function sentOf({ seq, atMs }: Sent): Sent {
  return { seq, atMs };
}

function sendError(fault: SendFault): ParlourError {
  return fault.why === "refused" ? ParlourError.refused(fault.error) : new ParlourError(fault.why);
}
