/**
 * What the engine knows, shared by its features, which are the files beside this one: each has functions
 * over this state. Replies, live events, history and the cache go in; calls, reads, writes and notices come
 * out. No clock, no randomness, no socket.
 */

import { encode, type Init } from "../../codec/message.js";
import type { BulkMethod, ControlMethod } from "../../codec/method.js";
import type { Error as WireError } from "../../generated/wire/v1/error.js";
import type { ClientRef, DeviceId, RoomId, UserId } from "../../ids.js";
import { NEVER, type Now } from "../../time.js";
import type { Meta, Run, Saved, Write } from "../cache/cache.js";
import type { CallResult } from "../connection.js";
import type { LogEvent } from "../event.js";
import { type Entry, Outbox } from "../outbox.js";
import type { Request } from "../payload.js";
import { savedRoom } from "../record.js";
import { RoomList } from "../rooms.js";
import type { Signal } from "../signal.js";
import type { Scope } from "../timeline/threads.js";
import type { Timeline } from "../timeline/timeline.js";
import { Expiring } from "./expiry.js";
import type { TimelinePage } from "./page.js";
import { Presences } from "./presence.js";

/** What the owner does: on the present connection, or with the cache. */
export type Action =
  /** Make a call. */
  | { type: "call"; id: number; request: Request; chain: number }
  /** Stop waiting for a call. */
  | { type: "cancel"; id: number }
  /** Open a bulk lane. */
  | { type: "bulk"; id: number; request: Request }
  /** Reset a bulk lane. */
  | { type: "cancel-bulk"; id: number }
  /** Send a datagram, if it can be sent. */
  | { type: "datagram"; bytes: Uint8Array }
  /** Read the cache and answer with `handleLoaded`. */
  | { type: "load"; id: number; room: RoomId; before: number; limit: number };

/** Why a page of history couldn't be had. */
export type PageFault =
  /** It isn't in the cache and there is no connection. */
  | { why: "offline" }
  /** The user isn't in the room. */
  | { why: "room-lost" }
  /** The timeline isn't open. */
  | { why: "closed" }
  /** The server refused. */
  | { why: "refused"; error: WireError };

/** Why something wasn't sent. */
export type SendFault = { why: "refused"; error: WireError } | { why: "room-lost" } | { why: "discarded" };

/** What a bulk call came to. */
export type Answer =
  | { ok: true; items: Uint8Array[] }
  | { ok: false; error: WireError }
  | { ok: false; tooLarge: true };

/** What the application may want to know. */
export type Notice =
  /** A call of the application was answered. */
  | { type: "reply"; id: number; result: CallResult }
  /** A bulk call of the application was answered. */
  | { type: "answered"; id: number; answer: Answer }
  /** Something of the outbox is in its room's log; `seq` is 0 where nothing was to be done. */
  | { type: "sent"; clientRef: ClientRef; seq: number; atMs: number }
  /** Something of the outbox failed. */
  | { type: "failed"; clientRef: ClientRef; fault: SendFault }
  /** A ref expired and isn't in the log: call `renewRef`. */
  | { type: "ref-expired"; clientRef: ClientRef }
  /** The next events of a room's log, without gap or repetition, while connected. */
  | { type: "events"; room: RoomId; events: LogEvent[] }
  /** A timeline is open: what the cache has of it is there. */
  | { type: "opened"; scope: Scope }
  /** A page of history was added to a timeline, or couldn't be. */
  | { type: "paged"; scope: Scope; fault: PageFault | undefined }
  /** Everything that happened while the client was away is known. */
  | { type: "synced" }
  /** The user isn't in the room any more. */
  | { type: "room-lost"; room: RoomId }
  /** Something was heard that isn't kept. */
  | { type: "signal"; signal: Signal };

/** Which events a connection gets for the rooms the user is in. */
export type Focus =
  /** Every event of every room. */
  | "all"
  /** Events of rooms whose timeline is open, heads of the others. */
  | "focused";

/** A call in flight, or one that waits for a connection. */
export interface PendingCall {
  /** What it is for, so that the same isn't asked twice: `mark:` and the room, for instance. */
  key: string;
  /** Of the application's calls: made again on the next connection if the answer is lost. */
  again: Request | undefined;
  handle(result: CallResult, now: Now): void;
}

/** What a bulk lane reads. */
export interface Task {
  /** What it is for: `sync`, `catch-up:` and the room, for instance. */
  key: string;
  /** The room it reads, if it reads one. */
  room: RoomId | undefined;
  /** What was read of a page so far; what is deleted meanwhile is noted there. */
  page: TimelinePage | undefined;
  /** One response message. May throw `Malformed`. */
  item(item: Uint8Array, now: Now): void;
  /** Everything was said. */
  end(now: Now): void;
  /** It was cut off, or failed in a way that may pass. */
  cut(now: Now): void;
  /** The server answered with an error, whatever it is; otherwise the two below are told. */
  failed?(error: WireError, now: Now): void;
  /** It was refused for good; by default like one that was cut off. */
  refused?(error: WireError, now: Now): void;
  /** The connection is gone; the task with it, unless this keeps it. */
  disconnected?(): void;
}

/** A timeline somebody looks at. */
export interface Open {
  timeline: Timeline;
  /** Whether the cache is still being read. */
  isLoading: boolean;
  /** A page before what is shown is wanted, of so many events. */
  paging: number | undefined;
  /** Pages in a row that were read since it shows little. */
  fills: number;
}

/** What was acknowledged at a place that the known part of a log hasn't reached. */
export interface Settled {
  entry: Entry;
  atMs: number;
}

/** What is known while there is a connection. */
export interface Session {
  readonly me: UserId;
  isSynced: boolean;
}

/** The engine's state. */
export class Core {
  readonly meta: Meta;
  readonly rooms: RoomList;
  outbox: Outbox;
  readonly settled = new Map<RoomId, Map<number, Settled>>();
  /** Events of a room that came before the ones before them. */
  readonly waiting = new Map<RoomId, Map<number, LogEvent>>();
  readonly timelines = new Map<string, Open>();
  readonly calls = new Map<number, PendingCall>();
  readonly tasks = new Map<number, Task>();
  readonly loads = new Map<number, (runs: Run[]) => void>();
  readonly userWaiting = new Map<number, LogEvent>();
  /** What that log has said of rooms since a sync began: their digests may be older than that. */
  since: Map<RoomId, LogEvent[]> | undefined;
  /** Rooms that a first sync has shown before the user's log has come: what it says of them is older. */
  readonly screen = new Set<RoomId>();
  /** Up to which event of that log; 0 as long as nothing of it has come. */
  screenAsOf = 0;
  session: Session | undefined;
  readonly presences = new Presences();
  readonly expiring = new Expiring();
  /** Marks in rooms of which nothing has been heard yet. */
  readonly earlyMarks = new Map<RoomId, number>();
  /** Wanted whole, and refused for a while. */
  readonly unheard = new Set<RoomId>();
  readonly typedMs = new Map<RoomId, number>();
  /** Server time less own time, as of the last welcome. */
  clockOffsetMs = 0;
  syncMs = NEVER;
  repairMs = NEVER;
  recountMs = NEVER;
  /** Of some followed threads more is to be read than was told. */
  threadsUncertain = false;
  metaChanged = false;
  actions: Action[] = [];
  notices: Notice[] = [];
  writes: Write[] = [];
  readonly changedRooms = new Set<RoomId>();
  #lastId = 0;
  #writesNo = 0;

  /** The client as it was saved. `device` is used when the cache has none yet. */
  constructor(
    saved: Saved,
    device: DeviceId,
    readonly focus: Focus,
  ) {
    this.meta = saved.meta;
    this.metaChanged = saved.meta.device === undefined;
    this.meta.device ??= device;
    this.rooms = RoomList.restore(saved.rooms);
    this.outbox = Outbox.restore(saved.outbox);
  }

  /** The server's time as far as known, Unix milliseconds. */
  serverMs(now: Now): number {
    return now.unixMs + this.clockOffsetMs;
  }

  // Calls and bulk lanes.

  /** A number that no other call, lane or load has. */
  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** Whether a call for this is under way. */
  isCalling(key: string): boolean {
    for (const call of this.calls.values()) if (call.key === key) return true;
    return false;
  }

  /** Makes a call on the present connection. */
  call<Req>(
    key: string,
    method: ControlMethod<Req, unknown>,
    message: Init<Req>,
    handle: PendingCall["handle"],
  ): void {
    const request = { method: method.id, body: encode(method.request, message) };
    this.startCall(request, 0, { key, again: undefined, handle });
  }

  /** Makes a call, as part of a chain unless that is 0. */
  startCall(request: Request, chain: number, call: PendingCall): number {
    const id = this.nextId();
    this.calls.set(id, call);
    if (this.session) this.actions.push({ type: "call", id, request, chain });
    return id;
  }

  /** Whether a task for this is under way. */
  isReading(key: string): boolean {
    for (const task of this.tasks.values()) if (task.key === key) return true;
    return false;
  }

  /** Opens a bulk lane. */
  read<Req>(method: BulkMethod<Req, unknown>, message: Init<Req>, task: Task): void {
    const id = this.nextId();
    this.tasks.set(id, task);
    const request = { method: method.id, body: encode(method.request, message) };
    this.actions.push({ type: "bulk", id, request });
  }

  /** Gives up a bulk lane. */
  cancelTask(id: number): void {
    if (this.tasks.delete(id)) this.actions.push({ type: "cancel-bulk", id });
  }

  // Rooms.

  /** A room is another now: it is shown and kept. */
  changed(room: RoomId): void {
    this.rooms.touch(room);
    this.changedRooms.add(room);
  }

  /** The open timelines of a room: its own, and those of its threads. */
  timelinesOf(room: RoomId): Timeline[] {
    const open = [...this.timelines.values()].map(({ timeline }) => timeline);
    return open.filter((timeline) => timeline.scope.room === room);
  }

  /** Whether somebody looks at a room or one of its threads. */
  isOpen(room: RoomId): boolean {
    return this.timelinesOf(room).length > 0;
  }

  // Outputs.

  /** Changes for the cache, to be committed at once and in order, and their number. */
  takeWrites(): { number: number; writes: Write[] } | undefined {
    for (const room of this.changedRooms) {
      const record = this.rooms.get(room);
      // A copy, since it goes on changing while it is written.
      if (record) this.writes.push({ type: "room", record: savedRoom(record) });
    }
    this.changedRooms.clear();
    if (this.metaChanged) this.writes.push({ type: "meta", meta: structuredClone(this.meta) });
    this.metaChanged = false;
    if (this.writes.length === 0) return undefined;
    const writes = this.writes;
    this.writes = [];
    this.#writesNo += 1;
    return { number: this.#writesNo, writes };
  }

  /** The number that the next batch of writes will have. */
  get nextWritesNo(): number {
    return this.#writesNo + 1;
  }
}
