/**
 * What the user has sent and the server hasn't confirmed: per room in order, each under the ref it was
 * given once. Several are in flight, in a chain of calls: one that is refused for a while isn't overtaken by
 * those behind it (PROTOCOL.md, section 4).
 */

import { decode, encode } from "../codec/message.js";
import { MessagePosted } from "../generated/message/v1/message.js";
import { ErrorReason, Retry, type Error as WireError } from "../generated/wire/v1/error.js";
import type { ClientRef, RoomId } from "../ids.js";
import { NEW_REFS_MAX, OUTBOX_ENTRIES_MAX, SEND_AGAIN_AFTER_MS, SENDS_PER_ROOM_MAX } from "../limits.js";
import { NEVER, type Now } from "../time.js";
import { type Payload, type Request, requestOf } from "./payload.js";

/** How far an entry got. */
export type EntryState =
  /** It waits for its turn, and at least until this time; `NEVER` for the next connection. */
  | { type: "queued"; notBeforeMs: number }
  /** It is kept back until then, so that it can be undone. Nobody waits for it; in a cache it is as any other. */
  | { type: "held"; untilMs: number }
  /** It is under way. */
  | { type: "sending" }
  /** Its ref expired: it is being looked for in the log. */
  | { type: "searching" }
  /** The server refused it; it waits for the user's decision. */
  | { type: "failed"; error: WireError };

/** One row of the outbox. */
export interface Entry {
  /** Its place among all rows. */
  readonly order: number;
  readonly room: RoomId;
  clientRef: ClientRef;
  payload: Payload;
  /** When the user sent it, Unix milliseconds. */
  readonly createdMs: number;
  /** The room's head then: it can only be in the log after this place. */
  readonly afterSeq: number;
  /** How often it was handed to a connection. At least 1 for a restored row. */
  attempts: number;
  /** The chain it was sent in last. */
  chain: number;
  /** How often its ref expired. */
  refsReplaced: number;
  state: EntryState;
}

/** A call to make for an entry. */
export interface Transmit extends Request {
  clientRef: ClientRef;
  /** The chain the call is part of. */
  chain: number;
}

/** What an answer means for an entry. */
export type Outcome =
  /** It is in the room's log, and gone from the outbox. */
  | { type: "sent"; entry: Entry }
  /** It will be sent again. */
  | { type: "again"; entry: Entry }
  /** The server doesn't remember so far back: look for it in the log after `afterSeq`. */
  | { type: "search"; entry: Entry }
  /** It failed and stays until it is retried or discarded. */
  | { type: "failed"; entry: Entry; error: WireError }
  /** It isn't in the outbox any more: its echo came first. */
  | { type: "known" };

const AT_ONCE: EntryState = { type: "queued", notBeforeMs: 0 };

/** All that waits to be sent. */
export class Outbox {
  readonly #rooms = new Map<RoomId, Entry[]>();
  readonly #places = new Map<ClientRef, RoomId>();
  #lastOrder = 0;
  /** The chain that isn't broken yet. */
  #chain = 1;
  /** How many a room has in flight: fewer after the server had to slow the client down. */
  #window = SENDS_PER_ROOM_MAX;

  /** The outbox as it was saved, in order. What was under way then may have arrived. */
  static restore(saved: readonly Entry[]): Outbox {
    const outbox = new Outbox();
    for (const row of saved) {
      const state = row.state.type === "failed" ? row.state : AT_ONCE;
      const entry: Entry = { ...row, attempts: Math.max(row.attempts, 1), chain: 0, state };
      outbox.#lastOrder = Math.max(outbox.#lastOrder, entry.order);
      outbox.#put(entry);
    }
    return outbox;
  }

  // Commands.

  /** Puts something at the end of its room's queue; `undefined` when the outbox is full. */
  push(
    room: RoomId,
    clientRef: ClientRef,
    payload: Payload,
    createdMs: number,
    afterSeq: number,
  ): Entry | undefined {
    if (this.#places.size >= OUTBOX_ENTRIES_MAX) return undefined;
    this.#lastOrder += 1;
    const begun = { attempts: 0, chain: 0, refsReplaced: 0, state: AT_ONCE };
    const entry: Entry = { order: this.#lastOrder, room, clientRef, payload, createdMs, afterSeq, ...begun };
    this.#put(entry);
    return entry;
  }

  /** Puts an entry back that was sent to a store that is another now, at its old place. */
  putBack(entry: Entry): void {
    entry.state = AT_ONCE;
    this.#put(entry);
    this.#rooms.get(entry.room)?.sort((one, other) => one.order - other.order);
  }

  /** Tries a failed entry again, at its old place in the queue. */
  retry(clientRef: ClientRef): Entry | undefined {
    const entry = this.entry(clientRef);
    if (entry?.state.type !== "failed") return undefined;
    entry.state = AT_ONCE;
    return entry;
  }

  /** Takes an entry out. One that was under way may still arrive. */
  discard(clientRef: ClientRef): Entry | undefined {
    const entry = this.entry(clientRef);
    if (entry === undefined) return undefined;
    this.#places.delete(clientRef);
    const rest = this.room(entry.room).filter((other) => other !== entry);
    if (rest.length > 0) this.#rooms.set(entry.room, rest);
    else this.#rooms.delete(entry.room);
    return entry;
  }

  /** Gives a message that was never sent another text; `undefined` when it may have been. */
  rewrite(clientRef: ClientRef, text: string): Entry | undefined {
    const entry = this.entry(clientRef);
    if (entry?.payload.type !== "post" || entry.attempts > 0) return undefined;
    const body = encode(MessagePosted, { ...decode(MessagePosted, entry.payload.body), text });
    entry.payload = { ...entry.payload, body };
    return entry;
  }

  /** Takes out everything of a room the user is no longer in. */
  discardRoom(room: RoomId): readonly Entry[] {
    const entries = this.room(room);
    for (const entry of entries) this.#places.delete(entry.clientRef);
    this.#rooms.delete(room);
    return entries;
  }

  // Inputs.

  /** There is a connection: what waited for one goes on. */
  handleConnected(): void {
    this.#chain = 1;
    for (const entry of this.#all()) {
      if (entry.state.type === "queued" || entry.state.type === "sending") entry.state = AT_ONCE;
    }
  }

  /** The connection is gone: what was under way is sent again under the same refs. */
  handleDisconnected(): void {
    for (const entry of this.#all()) {
      if (entry.state.type === "sending" || entry.state.type === "searching") entry.state = AT_ONCE;
    }
  }

  /** The answer to a send; without an error it is in the log. */
  handleAnswer(clientRef: ClientRef, error: WireError | undefined, now: Now): Outcome {
    if (error === undefined) {
      this.#widen();
      const entry = this.discard(clientRef);
      return entry ? { type: "sent", entry } : { type: "known" };
    }
    if (error.retry === Retry.AFTER_DELAY) this.#window = Math.max(1, this.#window >> 1);
    const entry = this.entry(clientRef);
    if (entry === undefined) return { type: "known" };
    // What is sent from here on is behind nothing that was refused.
    if (entry.chain === this.#chain) this.#chain += 1;
    return refused(entry, error, now);
  }

  /** An own event of the log with this ref, or one found by searching: the entry is done. */
  handleEcho(clientRef: ClientRef): Entry | undefined {
    const entry = this.discard(clientRef);
    if (entry?.state.type === "sending") this.#widen();
    return entry;
  }

  /** An expired entry isn't in the log: it goes out under a new ref. */
  handleNotInLog(clientRef: ClientRef, newRef: ClientRef): Entry | undefined {
    const entry = this.entry(clientRef);
    if (entry === undefined) return undefined;
    this.#places.delete(clientRef);
    this.#places.set(newRef, entry.room);
    entry.clientRef = newRef;
    entry.refsReplaced += 1;
    entry.state = AT_ONCE;
    return entry;
  }

  /** Its answer can't be read, or the search for an expired one failed: it is sent again, and maybe searched for. */
  handleUnanswered(clientRef: ClientRef, now: Now): void {
    const entry = this.entry(clientRef);
    if (entry) entry.state = { type: "queued", notBeforeMs: now.elapsedMs + SEND_AGAIN_AFTER_MS };
  }

  #widen(): void {
    this.#window = Math.min(SENDS_PER_ROOM_MAX, this.#window + 1);
  }

  // Outputs.

  /** The next call to make, while there is a connection. */
  takeTransmit(now: Now): Transmit | undefined {
    for (const entry of this.#all()) {
      if (entry.state.type === "held" && entry.state.untilMs <= now.elapsedMs) entry.state = AT_ONCE;
    }
    for (const queue of this.#rooms.values()) {
      const entry = this.#next(queue);
      if (entry?.state.type !== "queued" || entry.state.notBeforeMs > now.elapsedMs) continue;
      entry.state = { type: "sending" };
      entry.attempts += 1;
      entry.chain = this.#chain;
      const { clientRef, chain } = entry;
      return { clientRef, chain, ...requestOf(entry.room, clientRef, entry.payload) };
    }
    return undefined;
  }

  /** When `takeTransmit` may have something again. */
  get timeoutMs(): number {
    let soonest = NEVER;
    for (const queue of this.#rooms.values()) {
      const state = this.#next(queue)?.state;
      if (state?.type === "queued") soonest = Math.min(soonest, state.notBeforeMs);
    }
    for (const { state } of this.#all()) {
      if (state.type === "held") soonest = Math.min(soonest, state.untilMs);
    }
    return soonest;
  }

  /** An entry. */
  entry(clientRef: ClientRef): Entry | undefined {
    const room = this.#places.get(clientRef);
    return room && this.room(room).find((entry) => entry.clientRef === clientRef);
  }

  /** What waits in a room, in order. */
  room(room: RoomId): readonly Entry[] {
    return this.#rooms.get(room) ?? [];
  }

  /** All that waits, by room and in order. */
  all(): Entry[] {
    return [...this.#rooms.values()].flat();
  }

  /** How many entries there are. */
  get size(): number {
    return this.#places.size;
  }

  #put(entry: Entry): void {
    this.#places.set(entry.clientRef, entry.room);
    const queue = this.#rooms.get(entry.room);
    if (queue) queue.push(entry);
    else this.#rooms.set(entry.room, [entry]);
  }

  #all(): Entry[] {
    return [...this.#rooms.values()].flat();
  }

  /**
   * The entry of a room that is sent next, unless it waits for others: a room's entries go out in order.
   * Those under way in a chain that has broken may all have to come again first.
   */
  #next(queue: readonly Entry[]): Entry | undefined {
    let underWay = 0;
    for (const entry of queue) {
      if (entry.state.type === "queued") return underWay < this.#window ? entry : undefined;
      if (entry.state.type === "sending" && entry.chain === this.#chain) underWay += 1;
      else if (entry.state.type !== "failed" && entry.state.type !== "held") return undefined;
    }
    return undefined;
  }
}

/** What becomes of an entry that was refused. */
function refused(entry: Entry, error: WireError, now: Now): Outcome {
  const isExpired = error.reason === ErrorReason.REF_EXPIRED;
  if (isExpired && entry.refsReplaced < NEW_REFS_MAX) {
    entry.state = { type: "searching" };
    return { type: "search", entry };
  }
  const notBeforeMs = isExpired ? undefined : retryAt(entry, error, now);
  if (notBeforeMs === undefined) {
    entry.state = { type: "failed", error };
    return { type: "failed", entry, error };
  }
  entry.state = { type: "queued", notBeforeMs };
  return { type: "again", entry };
}

function retryAt(entry: Entry, error: WireError, now: Now): number | undefined {
  // Nothing is wrong with one that follows: it takes its place behind the one that was refused.
  const follows = error.reason === ErrorReason.CHAIN_BROKEN;
  switch (error.retry) {
    case Retry.SAME:
      return now.elapsedMs + (follows || entry.attempts < 3 ? 0 : SEND_AGAIN_AFTER_MS);
    case Retry.AFTER_DELAY:
      return now.elapsedMs + (error.retryAfterMs || SEND_AGAIN_AFTER_MS);
    case Retry.RECONNECT:
    case Retry.AFTER_REAUTH:
    case Retry.AFTER_RESYNC:
      // Released by `handleConnected`.
      return NEVER;
    default:
      return undefined;
  }
}
