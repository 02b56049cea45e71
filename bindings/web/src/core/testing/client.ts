/** A client without a network for tests: the engine, a cache in memory, and a server that the test plays. */

import { decode, encode, type Init, type MessageType } from "../../codec/message.js";
import type { BulkMethod, ControlMethod } from "../../codec/method.js";
import { RoomKind } from "../../generated/room/v1/room.js";
import { ReadTimeline, Send, Sync } from "../../generated/rpc.js";
import type { RoomDigest, SyncItem } from "../../generated/sync/v1/sync.js";
import type { Error as WireError } from "../../generated/wire/v1/error.js";
import type { Event } from "../../generated/wire/v1/lanes.js";
import { Event as EventType } from "../../generated/wire/v1/lanes.js";
import { type ClientRef, type DeviceId, fieldOf, type RoomId, type UserId } from "../../ids.js";
import { MemoryCache } from "../cache/memory.js";
import type { Action, Focus, Notice } from "../engine/core.js";
import { Engine } from "../engine/engine.js";
import type { LogEvent } from "../event.js";
import type { Payload } from "../payload.js";
import type { Scope } from "../timeline/threads.js";
import { at, id, ME, ROOM } from "./events.js";

/** A call or a bulk lane that the engine wants. */
export interface Asked<Request> {
  id: number;
  request: Request;
  chain: number;
}

/** A digest of a room whose log ends at `seq`. */
export function digest(seq: number, more: Init<RoomDigest> = {}, room: RoomId = ROOM): Init<RoomDigest> {
  return {
    room: { id: fieldOf(room), kind: RoomKind.GROUP, name: "Lunch" },
    seq,
    msgNo: seq,
    atMs: seq,
    ...more,
  };
}

/** Events as an item has them. */
export function wire(events: readonly LogEvent[]): Event[] {
  return events.map((event) => decode(EventType, event.raw));
}

/** The client under test. */
export class TestClient {
  engine: Engine;
  ms = 0;
  notices: Notice[] = [];
  #actions: Action[] = [];

  private constructor(
    readonly cache: MemoryCache,
    engine: Engine,
  ) {
    this.engine = engine;
  }

  /** A client with what the cache has. */
  static async start(cache = new MemoryCache(), focus: Focus = "all"): Promise<TestClient> {
    return new TestClient(cache, new Engine(await cache.load(), id<DeviceId>(9), focus));
  }

  /** One that is connected and knows one room, up to `seq`. */
  static async live(seq = 10, focus: Focus = "all"): Promise<TestClient> {
    const client = await TestClient.start(undefined, focus);
    client.welcome();
    client.sync([digest(seq)]);
    await client.settle();
    return client;
  }

  /** Now. */
  get now() {
    return at(this.ms);
  }

  /** Time passes. */
  pass(ms: number): void {
    this.ms += ms;
    if (this.engine.timeoutMs <= this.ms) this.engine.handleTimeout(this.now);
  }

  /** A connection is welcomed. */
  welcome(user: UserId = ME, incarnation = 7): void {
    const limits = undefined;
    const said = {
      rev: 1,
      features: [],
      session: fieldOf(id(20)),
      org: fieldOf(id(21)),
      name: "",
      limits,
      authExpiresMs: 0,
    };
    const more = {
      resume: new Uint8Array(3),
      serverTimeMs: this.now.unixMs,
      resumed: false,
      role: "",
      memberships: [],
      scopes: [],
    };
    const welcome = { ...said, ...more, user: fieldOf(user), incarnation: fieldOf(id(incarnation)) };
    this.engine.handleWelcome(welcome, this.now);
  }

  /** Answers the sync under way: the user's log, digests, the end. */
  sync(
    digests: Init<RoomDigest>[],
    user: Init<NonNullable<Extract<SyncItem["item"], { case: "user" }>>["value"]> = {},
  ): void {
    const [sync] = this.reads(Sync).slice(-1);
    if (!sync) throw new Error("there is no sync");
    this.item(sync.id, Sync, { item: { case: "user", value: user } });
    this.item(sync.id, Sync, { item: { case: "digests", value: { rooms: digests } } });
    this.item(sync.id, Sync, {
      item: { case: "done", value: { watermarkMs: 99, roomCount: digests.length } },
    });
    this.end(sync.id);
  }

  /** Live events of a room. */
  hear(...events: LogEvent[]): void {
    this.engine.handleLive({ type: "room", room: ROOM, events }, this.now);
  }

  /** The head of a room. */
  pulse(seq: number, more: { msgNo?: number; delNo?: number } = {}): void {
    const { msgNo = seq, delNo = 0 } = more;
    const pulse = { room: fieldOf(ROOM), seq, msgNo, bcastNo: 0, delNo, ownSeq: 0, ownMsgNo: 0 };
    this.engine.handleLive({ type: "pulse", pulse }, this.now);
  }

  // What the engine wants.

  /** Calls of a method since the last time that was asked. */
  calls<Request>(method: ControlMethod<Request, unknown>): Asked<Request>[] {
    return this.#taken("call", method.id).map((action) => ({
      id: action.id,
      request: decode(method.request, action.request.body),
      chain: action.chain,
    }));
  }

  /** Bulk lanes of a method since the last time that was asked. */
  reads<Request>(method: BulkMethod<Request, unknown>): Asked<Request>[] {
    return this.#taken("bulk", method.id).map((action) => ({
      id: action.id,
      request: decode(method.request, action.request.body),
      chain: 0,
    }));
  }

  #taken<Type extends "call" | "bulk">(type: Type, method: number): Extract<Action, { type: Type }>[] {
    this.#actions.push(...this.engine.takeActions());
    const is = (action: Action) => action.type === type && action.request.method === method;
    const found = this.#actions.filter(is);
    this.#actions = this.#actions.filter((action) => !is(action));
    return found as Extract<Action, { type: Type }>[];
  }

  /** Datagrams since the last time that was asked. */
  datagrams(): number {
    this.#actions.push(...this.engine.takeActions());
    const found = this.#actions.filter((action) => action.type === "datagram");
    this.#actions = this.#actions.filter((action) => action.type !== "datagram");
    return found.length;
  }

  // What the server says.

  /** Answers a call. */
  answer<Response>(
    call: number | undefined,
    method: { response: MessageType<Response> },
    response: Init<Response>,
  ): void {
    this.engine.handleReply(call ?? 0, { ok: true, body: encode(method.response, response) }, this.now);
  }

  /** Refuses a call. */
  refuse(call: number, error: WireError): void {
    this.engine.handleReply(call, { ok: false, error }, this.now);
  }

  /** One item of a bulk lane. */
  item<Item>(lane: number, method: { response: MessageType<Item> }, item: Init<Item>): void {
    this.engine.handleBulk(lane, { type: "item", body: encode(method.response, item) }, this.now);
  }

  /** The end of a bulk lane. */
  end(lane: number): void {
    this.engine.handleBulk(lane, { type: "end" }, this.now);
  }

  /** Answers the read of the newest page of the room. */
  answerNewest(events: readonly LogEvent[], asOfSeq: number): void {
    const [read] = this.reads(ReadTimeline).slice(-1);
    if (!read) throw new Error("no page is read");
    this.item(read.id, ReadTimeline, { events: wire(events), asOfSeq, atStart: events[0]?.seq === 1 });
    this.end(read.id);
  }

  // The cache, and what is to be seen.

  /** Writes to the cache and reads from it what is wanted, until nothing is. */
  async settle(): Promise<void> {
    for (;;) {
      const batch = this.engine.takeWrites();
      if (batch) await this.cache.commit(batch.writes);
      this.#actions.push(...this.engine.takeActions());
      this.notices.push(...this.engine.takeNotices());
      const at = this.#actions.findIndex((action) => action.type === "load");
      const [load] = at < 0 ? [] : this.#actions.splice(at, 1);
      if (load?.type !== "load" && !batch) return;
      if (load?.type === "load") {
        this.engine.handleLoaded(load.id, await this.cache.runs(load.room, load.before, load.limit));
      }
    }
  }

  /** Sends a text, and returns its ref. */
  send(payload: Payload): ClientRef {
    const sent = this.engine.send(ROOM, payload, new Uint8Array(10).fill(this.ms++ % 251), this.now);
    if (!sent) throw new Error("the outbox is full");
    return sent;
  }

  /** The calls that send something. */
  sends(): Asked<{ clientRef: Uint8Array }>[] {
    return this.calls(Send);
  }

  /** Opens a timeline. */
  async open(scope: Scope = { room: ROOM, root: 0 }): Promise<void> {
    this.engine.openTimeline(scope);
    await this.settle();
  }

  /** The texts of a timeline. */
  texts(scope: Scope = { room: ROOM, root: 0 }): string[] {
    const items = this.engine.timeline(scope)?.items ?? [];
    return items.flatMap((item) => (item.type === "message" ? [item.text] : []));
  }

  /** Notices of a kind since the last time that was asked. */
  told<Type extends Notice["type"]>(type: Type): Extract<Notice, { type: Type }>[] {
    this.notices.push(...this.engine.takeNotices());
    const found = this.notices.filter((notice) => notice.type === type);
    this.notices = this.notices.filter((notice) => notice.type !== type);
    return found as Extract<Notice, { type: Type }>[];
  }
}
