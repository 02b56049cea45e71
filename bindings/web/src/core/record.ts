/** Rooms as the client knows them, and as a cache keeps them: plain values. */

import type { Marker } from "../generated/marker/v1/marker.js";
import { type Room, RoomKind } from "../generated/room/v1/room.js";
import type { RoomSettings } from "../generated/settings/v1/settings.js";
import type { FollowedThread } from "../generated/thread/v1/thread.js";
import { hexOf, idOf, type RoomId, type UserId } from "../ids.js";
import { SEQ_MAX } from "../limits.js";
import { Counts, type Head, NO_HEAD } from "./counts.js";
import type { PollRecord } from "./polls.js";

/** How much of a room's log is known without a gap up to `to`. Empty when `from` is above `to`. */
export interface LogRange {
  /** The first event known; everything before it may be missing or stale. */
  from: number;
  /** The last event taken in. What comes next has the number after it. */
  to: number;
}

/** A thread that the user follows. */
export interface ThreadRecord {
  /** The message it stands under. */
  rootSeq: number;
  /** The newest known event of it; `msgNo` counts its replies. */
  head: Head;
  /** Marker and unread counts. */
  counts: Counts;
}

/** A room as the client knows it. */
export interface RoomRecord {
  id: RoomId;
  /** A `RoomKind`; unspecified until the server has told. */
  kind: number;
  name: string;
  peer: UserId | undefined;
  creator: UserId | undefined;
  memberCount: number;
  topic: string;
  isArchived: boolean;
  parent: RoomId | undefined;
  isOpen: boolean;
  slowModeS: number;
  messageExpiryS: number;
  /** SHA-256 of its picture, in hexadecimal digits. */
  avatar: string | undefined;
  /** Up to which event of its log all that is so. */
  toldSeq: number;
  /** The newest known place of its log. */
  head: Head;
  /** Marker and unread counts. */
  counts: Counts;
  /** Which events are in the cache. */
  log: LogRange;
  /** A read marker the server hasn't been told yet; 0 for none. */
  unsentRead: number;
  /** The threads of it that the user follows. */
  threads: ThreadRecord[];
  /** What the user wants of it; absent for what every room begins with. */
  settings: RoomSettings | undefined;
  /** What was chosen in its polls. */
  polls: PollRecord[];
}

/** Nothing known yet, and what comes next follows `to`. */
export function emptyAfter(to: number): LogRange {
  return { from: to + 1, to };
}

/** Whether no event is known. */
export function isEmpty(log: LogRange): boolean {
  return log.from > log.to;
}

/** A room of which only the id is known. */
export function unknownRoom(id: RoomId): RoomRecord {
  return {
    id,
    kind: RoomKind.UNSPECIFIED,
    name: "",
    peer: undefined,
    creator: undefined,
    memberCount: 0,
    topic: "",
    isArchived: false,
    parent: undefined,
    isOpen: false,
    slowModeS: 0,
    messageExpiryS: 0,
    avatar: undefined,
    toldSeq: 0,
    head: NO_HEAD,
    counts: new Counts(),
    log: emptyAfter(0),
    unsentRead: 0,
    threads: [],
    settings: undefined,
    polls: [],
  };
}

/** A room as it was saved. */
export function restoreRoom(saved: RoomRecord): RoomRecord {
  const threads = saved.threads.map((thread) => ({ ...thread, counts: Counts.restore(thread.counts) }));
  return { ...saved, toldSeq: saved.toldSeq ?? 0, counts: Counts.restore(saved.counts), threads };
}

/**
 * A room as it is saved: a copy that stays as it is. Records are plain values without cycles, and a `structuredClone`
 * of each of some thousands was a quarter of what a first sync costs a page.
 */
export function savedRoom(record: RoomRecord): RoomRecord {
  return copyOf(record);
}

function copyOf<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return value.slice() as T;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(value)) copy[name] = copyOf(part);
  return copy as T;
}

/** Whether the server has told what the room is. */
export function isDescribed(record: RoomRecord): boolean {
  return record.kind !== RoomKind.UNSPECIFIED;
}

/**
 * Takes over what the server says about a room as of that event of its log. It comes on another way than the events
 * do: what they have told meanwhile is newer. Says whether it was taken over.
 */
export function describe(record: RoomRecord, room: Room, asOfSeq: number): boolean {
  if (isDescribed(record) && asOfSeq < record.toldSeq) return false;
  record.toldSeq = Math.max(record.toldSeq, asOfSeq);
  record.kind = room.kind;
  record.name = room.name;
  record.peer = idOf<UserId>(room.peer);
  record.creator = idOf<UserId>(room.creator);
  record.memberCount = room.memberCount;
  record.topic = room.topic;
  record.isArchived = room.archived;
  record.parent = idOf(room.parent);
  record.isOpen = room.open;
  record.slowModeS = room.slowModeS;
  record.messageExpiryS = room.messageExpiryS;
  record.avatar = hashOf(room.avatar);
  return true;
}

/** A hash in a field; `undefined` for none. */
export function hashOf(field: Uint8Array): string | undefined {
  return field.length === 32 ? hexOf(field) : undefined;
}

/** What the server says of a thread that the user follows. */
export function threadRecord({ thread, marker, unread }: FollowedThread): ThreadRecord | undefined {
  if (thread === undefined) return undefined;
  const head = {
    seq: Math.min(thread.changedSeq, SEQ_MAX),
    atMs: thread.lastAtMs,
    msgNo: thread.threadNo,
    bcastNo: 0,
    delNo: thread.deleted,
  };
  return { rootSeq: thread.rootSeq, head, counts: new Counts(marker, unread) };
}

/** A thread that the user follows from now on. */
export function newThread(rootSeq: number, marker: Marker | undefined, headSeq: number): ThreadRecord {
  const counts = new Counts(marker);
  const seq = Math.min(counts.marker.seq, headSeq);
  return { rootSeq, head: { ...NO_HEAD, seq, msgNo: counts.marker.msgNo }, counts };
}
