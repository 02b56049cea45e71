/**
 * The cache port: what a client keeps between visits, and the few things it asks of a place to keep it. It
 * knows rooms, runs of events and outbox rows, but no feature.
 */

import type { Settings } from "../../generated/settings/v1/settings.js";
import type { DeviceId, RoomId, UserId } from "../../ids.js";
import type { LogEvent } from "../event.js";
import type { Entry } from "../outbox.js";
import type { RoomRecord } from "../record.js";

/** What belongs to the whole client. Plain values. */
export interface Meta {
  /** This installation; made once. */
  device: DeviceId | undefined;
  /** Whose cache it is. */
  user: UserId | undefined;
  /** The store its numbers come from. */
  incarnation: string | undefined;
  /** The last event of the user's own log. */
  userSeq: number;
  /** From the last complete sync. */
  watermarkMs: number;
  /** From the last welcome. */
  resume: Uint8Array;
  /** What the user wants everywhere; absent where nothing is set. */
  settings: Settings | undefined;
  /** Of whom the user wants to hear nothing. */
  blocked: Set<UserId>;
  /** Whether the server has told who that is. */
  knowsBlocked: boolean;
}

/** Of a client that was never connected. */
export function newMeta(): Meta {
  return {
    device: undefined,
    user: undefined,
    incarnation: undefined,
    userSeq: 0,
    watermarkMs: 0,
    resume: new Uint8Array(0),
    settings: undefined,
    blocked: new Set(),
    knowsBlocked: false,
  };
}

/** All that is loaded at the start. Events are loaded when they are looked at. */
export interface Saved {
  meta: Meta;
  /** In no particular order. */
  rooms: RoomRecord[];
  /** In order. */
  outbox: Entry[];
}

/**
 * A stretch of a room's log. Numbers in the range without an event are known to have none that matters here:
 * withheld, damaged, or folded into the events that are there.
 */
export interface Run {
  room: RoomId;
  /** The first number, and the last one. */
  from: number;
  to: number;
  /** In order. */
  events: LogEvent[];
  /** It may lack later edits and deletes. */
  isStale: boolean;
}

/** One change. */
export type Write =
  /** Replaces what belongs to the whole client. */
  | { type: "meta"; meta: Meta }
  /** Puts a room. */
  | { type: "room"; record: RoomRecord }
  /** Forgets a room and its events. */
  | { type: "room-gone"; room: RoomId }
  /** Puts events; whatever was there in their range is replaced. */
  | { type: "run"; run: Run }
  /** What is kept of a room may lack later edits and deletes. */
  | { type: "stale"; room: RoomId }
  /** Removes the bodies of events. */
  | { type: "erase"; room: RoomId; seqs: ReadonlySet<number> }
  /** Puts a row of the outbox, in the place of the one with its order. */
  | { type: "outbox"; entry: Entry }
  /** Removes a row of the outbox. */
  | { type: "outbox-gone"; order: number }
  /** Forgets all rooms and events, but neither the outbox nor the meta. */
  | { type: "reset" }
  /** Forgets the outbox. */
  | { type: "reset-outbox" }
  /** Changes nothing: what is committed with it is durable. */
  | { type: "sync" };

/**
 * Whether a change is nowhere else: what waits to be sent, markers the server doesn't know yet, and that it
 * knows them. Everything else can be read from the server again.
 */
export function isIrreplaceable(write: Write): boolean {
  if (write.type === "room") return write.record.unsentRead > 0;
  return ["outbox", "outbox-gone", "reset-outbox", "sync"].includes(write.type);
}

/** A place to keep things. Calls come one at a time, in order. */
export interface Cache {
  /** Everything but events. */
  load(): Promise<Saved>;
  /** Makes all changes, in order, or none. Once it settles they are durable where one is irreplaceable. */
  commit(writes: readonly Write[]): Promise<void>;
  /** Runs of a room with events before `before`, newest first, as many as are needed for `limit` events. */
  runs(room: RoomId, before: number, limit: number): Promise<Run[]>;
  /** What was put there under that name; `undefined` for nothing. A cache may have no place for it. */
  note?(name: string): Promise<unknown>;
  /** Keeps a plain value that a feature beside the engine can do without. It may be old, and somebody else's. */
  putNote?(name: string, value: unknown): Promise<void>;
  /** Nothing is asked of it any more. */
  close(): void;
}

/** The parts of a run that are outside of a range. */
export function without(run: Run, from: number, to: number): Run[] {
  const before = { ...run, to: from - 1, events: run.events.filter((event) => event.seq < from) };
  const after = { ...run, from: to + 1, events: run.events.filter((event) => event.seq > to) };
  return [before, after].filter((part) => part.from <= part.to);
}

/** A run without the bodies of what was deleted. */
export function withoutBodies(run: Run, deleted: ReadonlySet<number>): Run {
  const events = run.events.map((event) =>
    !event.isErased && event.goesWith(deleted) ? event.erased() : event,
  );
  return { ...run, events };
}
