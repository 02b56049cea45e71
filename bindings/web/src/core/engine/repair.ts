/**
 * Gaps: what a room misses is read from its log when it is little, else the room starts over from its end.
 * Also what bulk lanes say.
 */

import { FrameError } from "../../codec/frame.js";
import { Malformed } from "../../codec/wire.js";
import { isTransient } from "../../errors.js";
import { ReadLog, ReadTimeline } from "../../generated/rpc.js";
import { ErrorReason, type Error as WireError } from "../../generated/wire/v1/error.js";
import { fieldOf, type RoomId, type UserId } from "../../ids.js";
import { CATCH_UP_EVENTS_MAX, CATCH_UPS_AT_ONCE, PAGE_EVENTS, READ_AGAIN_AFTER_MS } from "../../limits.js";
import type { Now } from "../../time.js";
import { headBefore } from "../counts.js";
import type { LogEvent } from "../event.js";
import type { Bulk } from "../lanes.js";
import { isEmpty, type RoomRecord } from "../record.js";
import { askAgain } from "./asking.js";
import type { Core, Task } from "./core.js";
import { fillOpen, openRoom, pageAgain, putBefore, stopPagingOf } from "./history.js";
import { accept, jump, learnFromEvent, subscribeAgain } from "./live.js";
import { inOrder, type LogItem, readLogItem, TimelinePage } from "./page.js";
import { askPolls, doubtPolls, learnPolls } from "./polls.js";
import { handleEcho, refreshOutboxItems, settle } from "./sending.js";
import { describeRoom, startLog } from "./session.js";
import { restartThreads } from "./threads.js";

const CATCH_UP = "catch-up:";
const NEWEST = "newest:";

// Bulk lanes.

/** Something a bulk lane says. */
export function handleBulk(core: Core, id: number, bulk: Bulk, now: Now): void {
  const task = core.tasks.get(id);
  if (!task) return;
  try {
    if (bulk.type === "item") task.item(bulk.body, now);
    else if (bulk.type === "failed") handleFailed(core, id, task, bulk.error, now);
    else {
      core.tasks.delete(id);
      task.end(now);
    }
  } catch (error) {
    if (!(error instanceof Malformed || error instanceof FrameError)) throw error;
    core.actions.push({ type: "cancel-bulk", id });
    handleBulkCut(core, id, now);
  }
}

/** A bulk lane was cut off, or couldn't be opened. */
export function handleBulkCut(core: Core, id: number, now: Now): void {
  const task = core.tasks.get(id);
  core.tasks.delete(id);
  task?.cut(now);
}

function handleFailed(core: Core, id: number, task: Task, error: WireError, now: Now): void {
  core.tasks.delete(id);
  if (task.failed) task.failed(error, now);
  else if (error.reason === ErrorReason.ROOM_NOT_FOUND && task.room) {
    stopPagingOf(core, task.room);
    // Asked once more in a way whose answer is certain. If the room is there after all, what was read here is
    // read again.
    task.cut(now);
    describeRoom(core, task.room);
  } else if (isTransient(error) || !task.refused) task.cut(now);
  else task.refused(error, now);
}

/** What couldn't be read is read again, soon and all of it together. */
export function repairSoon(core: Core, now: Now): void {
  core.repairMs = Math.min(core.repairMs, now.elapsedMs + READ_AGAIN_AFTER_MS);
}

// Catching up.

/** Reads what a room misses, if it misses anything that is wanted. */
export function catchUp(core: Core, room: RoomId): void {
  const record = core.rooms.get(room);
  if (!record || !core.session) return;
  const waiting = core.waiting.get(room);
  const waitingFrom = waiting?.size ? Math.min(...waiting.keys()) : undefined;
  const wantedTo = Math.max(record.head.seq, waitingFrom ?? 0);
  const isOpen = core.isOpen(room);
  const neverRead = isEmpty(record.log) && wantsNewest(core, room);
  if (wantedTo <= record.log.to && !neverRead) return;
  // Whole events come of this room: what is missing is a gap in what the application sees.
  const isFollowed = isOpen || waitingFrom !== undefined || core.focus === "all";
  // Events begin at 1: it isn't known yet from where on this one is followed.
  const isUnplaced = record.log.to === 0 && waitingFrom === undefined;
  if (!isOpen && (isUnplaced || !isFollowed)) return goOnFromHead(core, record);
  const isFar = wantedTo - record.log.to > CATCH_UP_EVENTS_MAX;
  if (!isOpen && isFar) return skipTo(core, room, Math.max(record.head.seq, (waitingFrom ?? 1) - 1));
  if (isRepairing(core, room) || (!isOpen && countRepairs(core) >= CATCH_UPS_AT_ONCE)) return;
  if (neverRead || isFar) readNewest(core, room);
  else readOn(core, record);
}

/** Whether what a room misses is being read. */
export function isRepairing(core: Core, room: RoomId): boolean {
  return core.isReading(CATCH_UP + room) || core.isReading(NEWEST + room);
}

/** Nobody looks at the room: as long as nothing of it is kept, it goes on from its head. */
function goOnFromHead(core: Core, record: RoomRecord): void {
  if (!isEmpty(record.log)) return;
  startLog(core, record.id, record.head.seq);
  core.changedRooms.add(record.id);
}

/** Whether a timeline is open that has nothing yet. A log without events has been read once its beginning is known. */
function wantsNewest(core: Core, room: RoomId): boolean {
  const open = openRoom(core, room);
  return open !== undefined && !open.timeline.isAtStart;
}

function countRepairs(core: Core): number {
  const repairs = [...core.tasks.values()].filter(
    ({ key }) => key.startsWith(CATCH_UP) || key.startsWith(NEWEST),
  );
  return repairs.length;
}

function readOn(core: Core, record: RoomRecord): void {
  const room = record.id;
  core.read(
    ReadLog,
    { room: fieldOf(room), fromSeq: record.log.to + 1 },
    {
      key: CATCH_UP + room,
      room,
      page: undefined,
      item: (item, now) => handleCaughtUp(core, room, readLogItem(item), now),
      end: () => repairNext(core, room),
      cut: (now) => repairSoon(core, now),
    },
  );
}

function handleCaughtUp(core: Core, room: RoomId, item: LogItem, now: Now): void {
  const record = core.rooms.get(room);
  if (!record) return;
  const { to } = record.log;
  const ready = item.events.filter((event, at) => event.seq > to && event.seq !== item.events[at - 1]?.seq);
  accept(core, room, ready, Math.max(item.coveredTo, to), now);
}

/** Catches up whatever is behind, as many rooms at once as may be. */
export function repairAll(core: Core): void {
  const rooms = new Set([...behind(core), ...core.waiting.keys()]);
  for (const { timeline } of core.timelines.values()) rooms.add(timeline.scope.room);
  for (const room of rooms) {
    catchUp(core, room);
    askPolls(core, room);
  }
  pageAgain(core);
  askAgain(core);
  subscribeAgain(core);
}

function repairNext(core: Core, done: RoomId): void {
  catchUp(core, done);
  const others = behind(core).filter((room) => room !== done);
  for (const room of others.slice(0, CATCH_UPS_AT_ONCE)) catchUp(core, room);
  fillOpen(core, done);
}

function behind(core: Core): RoomId[] {
  const records = core.rooms.all().filter((record) => record.head.seq > record.log.to);
  return records.map((record) => record.id);
}

/** Gives up what is between, of a room that nobody looks at. What has waited goes on from there. */
function skipTo(core: Core, room: RoomId, to: number): void {
  core.writes.push({ type: "stale", room });
  startLog(core, room, to);
  const waiting = core.waiting.get(room);
  for (const seq of waiting?.keys() ?? []) if (seq <= to) waiting?.delete(seq);
  core.changedRooms.add(room);
}

// Starting over.

function readNewest(core: Core, room: RoomId): void {
  const page = new TimelinePage();
  core.read(
    ReadTimeline,
    { room: fieldOf(room), limit: PAGE_EVENTS },
    {
      key: NEWEST + room,
      room,
      page,
      item: (item) => page.add(item),
      end: (now) => {
        handleNewest(core, room, page, now);
        repairNext(core, room);
      },
      cut: (now) => repairSoon(core, now),
    },
  );
}

function handleNewest(core: Core, room: RoomId, page: TimelinePage, now: Now): void {
  const record = core.rooms.get(room);
  const me = core.session?.me;
  if (!record || me === undefined) return;
  page.finish();
  core.expiring.note(room, page.events);
  const { log } = record;
  if (!isEmpty(log) && page.asOfSeq + 1 >= log.from && page.asOfSeq <= log.to) {
    // Live events came meanwhile: the page stands before them.
    return putBefore(core, room, log.from, page);
  }
  if (page.asOfSeq < log.to) return repairSoon(core, now);
  const to = page.asOfSeq;
  const from = page.from(to + 1);
  if (!isEmpty(log)) core.writes.push({ type: "stale", room });
  for (const event of page.events) handleEcho(core, event, me);
  learnNews(core, record, page.events, me, now);
  if (from <= to)
    core.writes.push({
      type: "run",
      run: { room, from, to, events: within(page, from, to), isStale: false },
    });
  record.log = { from, to };
  record.head = { ...record.head, seq: Math.max(record.head.seq, to) };
  settle(core, room, to);
  doubtPolls(core, room);
  learnPolls(core, room, page.polls);
  const open = openRoom(core, room);
  if (open) open.fills = 0;
  open?.timeline.handleReset(from, page.events, page.amendments, page.isAtStart);
  open?.timeline.handleThreads(page.threads);
  restartThreads(core, room);
  refreshOutboxItems(core);
  core.changed(room);
  drainWaiting(core, room, now);
}

/** Events of a page that nothing has told of yet: they count, as live ones do. */
function learnNews(core: Core, record: RoomRecord, events: readonly LogEvent[], me: UserId, now: Now): void {
  const knownTo = record.head.seq;
  const news = events.filter((event) => event.seq > knownTo);
  const [first] = news;
  if (!first) return;
  jump(core, record, headBefore(first), now);
  for (const event of news) learnFromEvent(core, record, event, me, now);
  if (first.seq > knownTo + 1) record.counts.doubt();
}

/** The events of a page and those of its amendments that stand in its range, each once. */
function within(page: TimelinePage, from: number, to: number): LogEvent[] {
  const bySeq = new Map<number, LogEvent>();
  for (const event of [...page.amendments, ...page.events]) {
    if (event.seq >= from && event.seq <= to) bySeq.set(event.seq, event);
  }
  return inOrder([...bySeq.values()]);
}

/** Those that waited behind a page. */
function drainWaiting(core: Core, room: RoomId, now: Now): void {
  const to = core.rooms.get(room)?.log.to ?? 0;
  const next = core.waiting.get(room)?.get(to + 1);
  if (next) accept(core, room, [next], to + 1, now);
}
