/** Open timelines: what the cache has of them, and pages before what is shown. */

import { ReadThread, ReadTimeline } from "../../generated/rpc.js";
import { fieldOf, type RoomId } from "../../ids.js";
import { FILLS_MAX, PAGE_EVENTS, THREAD_CACHED_EVENTS } from "../../limits.js";
import { NEVER } from "../../time.js";
import type { Run } from "../cache/cache.js";
import { deletedBy, type LogEvent } from "../event.js";
import { isEmpty } from "../record.js";
import { covers, type Scope, scopeKey } from "../timeline/threads.js";
import { Timeline } from "../timeline/timeline.js";
import type { Core, Open, PageFault } from "./core.js";
import { subscribe, unsubscribe, writeRun } from "./live.js";
import { TimelinePage } from "./page.js";
import { askPolls, learnPolls } from "./polls.js";
import { catchUp, isRepairing, repairSoon } from "./repair.js";
import { showUnconfirmed } from "./sending.js";
import { putThreadPage } from "./threads.js";

/** Opens the timeline of a room or thread; the notice `opened` comes when what the cache has is there. */
export function openTimeline(core: Core, scope: Scope): void {
  const known = core.timelines.get(scopeKey(scope));
  if (known) {
    if (!known.isLoading) core.notices.push({ type: "opened", scope });
    return;
  }
  const timeline = new Timeline(scope, core.meta.user);
  timeline.handlePolls(core.rooms.get(scope.room)?.polls ?? []);
  showUnconfirmed(core, scope.room, timeline);
  const isFirst = !core.isOpen(scope.room);
  core.timelines.set(scopeKey(scope), { timeline, isLoading: true, paging: undefined, fills: 0 });
  const limit = scope.root > 0 ? THREAD_CACHED_EVENTS : PAGE_EVENTS;
  load(core, scope.room, NEVER, limit, (runs) => handleOpened(core, scope, runs));
  if (isFirst && core.focus === "focused") subscribe(core, [scope.room]);
}

/** Nobody looks at a timeline any more. */
export function closeTimeline(core: Core, scope: Scope): void {
  if (core.timelines.delete(scopeKey(scope)) && !core.isOpen(scope.room)) unsubscribe(core, scope.room);
}

/** The open timeline of a room itself. */
export function openRoom(core: Core, room: RoomId): Open | undefined {
  return core.timelines.get(scopeKey({ room, root: 0 }));
}

/** Adds a page before what is shown; the notice `paged` comes when it is there. */
export function loadOlder(core: Core, scope: Scope, limit: number): void {
  const open = core.timelines.get(scopeKey(scope));
  if (!open) {
    core.notices.push({ type: "paged", scope, fault: { why: "closed" } });
    return;
  }
  if (open.paging !== undefined) return;
  if (open.timeline.isAtStart) {
    core.notices.push({ type: "paged", scope, fault: undefined });
    return;
  }
  open.paging = limit;
  const { from } = open.timeline;
  const log = core.rooms.get(scope.room)?.log;
  const isCached = scope.root === 0 && log && !isEmpty(log) && log.from < from;
  if (isCached || !core.session)
    load(core, scope.room, from, limit, (runs) => handleOlderLoaded(core, scope, limit, runs));
  else readOlder(core, scope, from, limit);
}

// The cache.

function load(core: Core, room: RoomId, before: number, limit: number, handle: (runs: Run[]) => void): void {
  const id = core.nextId();
  core.loads.set(id, handle);
  core.actions.push({ type: "load", id, room, before, limit });
}

/** What the cache has; an unreadable cache has nothing. */
export function handleLoaded(core: Core, id: number, runs: Run[]): void {
  const handle = core.loads.get(id);
  core.loads.delete(id);
  handle?.(runs);
}

function handleOpened(core: Core, scope: Scope, runs: Run[]): void {
  showRuns(core, scope, runs, NEVER);
  const open = core.timelines.get(scopeKey(scope));
  if (!open) return;
  open.isLoading = false;
  core.notices.push({ type: "opened", scope });
  catchUp(core, scope.room);
  askPolls(core, scope.room);
  fill(core, scope);
}

function handleOlderLoaded(core: Core, scope: Scope, limit: number, runs: Run[]): void {
  const open = core.timelines.get(scopeKey(scope));
  if (!open) return;
  if (showRuns(core, scope, runs, limit)) {
    askPolls(core, scope.room);
    finishPaging(core, scope, undefined);
  } else if (core.session) readOlder(core, scope, open.timeline.from, limit);
  else finishPaging(core, scope, { why: "offline" });
}

/**
 * Shows what the cache has right before what is shown; whether there was anything. Stale events are better than
 * none while there is no connection.
 */
function showRuns(core: Core, scope: Scope, runs: readonly Run[], limit: number): boolean {
  const record = core.rooms.get(scope.room);
  const open = core.timelines.get(scopeKey(scope));
  if (!record || !open) return false;
  const isOffline = !core.session;
  let next = open.timeline.from;
  // What was accepted while the cache was read is shown already.
  if (next === NEVER && !isOffline) next = record.log.to + 1;
  let events: LogEvent[] = [];
  for (const run of runs) {
    const isUsable = !run.isStale && run.to >= record.log.from && (next === NEVER || run.to + 1 >= next);
    if ((!isUsable && !isOffline) || events.length >= limit) break;
    const before = next;
    events = [...run.events.filter((event) => event.seq < before), ...events];
    next = Math.min(next, run.from);
  }
  events = events.filter((event) => covers(scope, event));
  if (events.length > limit) {
    events = events.slice(-limit);
    next = events[0]?.seq ?? next;
  }
  if (events.length === 0) return false;
  open.timeline.handleOlder(next, events, [], next <= Math.max(scope.root, 1));
  core.expiring.note(scope.room, events);
  return true;
}

/**
 * A timeline that shows less than a page, since little of its room was kept, or much of that is edits and deletes,
 * gets one more, and another one until it is enough.
 */
export function fill(core: Core, scope: Scope): void {
  const open = core.timelines.get(scopeKey(scope));
  if (!open || !core.session) return;
  const log = core.rooms.get(scope.room)?.log;
  const isReadable = scope.root > 0 || (log && !isEmpty(log));
  const showsLittle = open.timeline.items.length < PAGE_EVENTS / 2;
  if (!showsLittle || open.timeline.isAtStart) open.fills = 0;
  else if (isReadable && open.fills++ < FILLS_MAX) loadOlder(core, scope, PAGE_EVENTS);
}

/**
 * Events may be the first that is known of a room, before anybody has read of it what an open timeline is to show:
 * it shows what stands before them, too.
 */
export function fillOpen(core: Core, room: RoomId): void {
  if (isRepairing(core, room)) return;
  for (const { timeline, isLoading } of [...core.timelines.values()])
    if (timeline.scope.room === room && !isLoading) fill(core, timeline.scope);
}

// The server.

function olderKey(scope: Scope): string {
  return `older:${scopeKey(scope)}`;
}

function readOlder(core: Core, scope: Scope, from: number, limit: number): void {
  const page = new TimelinePage();
  // Nothing shown yet: the newest page is the one before the end.
  const request = { room: fieldOf(scope.room), beforeSeq: from === NEVER ? 0 : from, limit };
  const task = {
    key: olderKey(scope),
    room: scope.room,
    page,
    item: (item: Uint8Array) => page.add(item),
    end: () => handleOlder(core, scope, from, page),
    cut: repairSoon.bind(undefined, core),
    refused: (error: Extract<PageFault, { error: unknown }>["error"]) =>
      finishPaging(core, scope, { why: "refused", error }),
  };
  if (scope.root > 0) core.read(ReadThread, { ...request, rootSeq: scope.root }, task);
  else core.read(ReadTimeline, request, task);
}

function handleOlder(core: Core, scope: Scope, asked: number, page: TimelinePage): void {
  page.finish();
  core.expiring.note(scope.room, page.events);
  const open = core.timelines.get(scopeKey(scope));
  if (!open) return;
  const shownFrom = open.timeline.from;
  const hasStartedOver = shownFrom === NEVER && asked !== NEVER;
  const before = asked === NEVER ? page.asOfSeq + 1 : asked;
  // The timeline started over meanwhile: this page doesn't belong before it.
  if (hasStartedOver || (shownFrom !== before && shownFrom !== NEVER)) return pageAgain(core);
  if (scope.root > 0) putThreadPage(core, scope, open, before, page);
  else putBefore(core, scope.room, before, page);
  finishPaging(core, scope, undefined);
}

/** A page right before `before`, which is where the timeline begins, or the log. */
export function putBefore(core: Core, room: RoomId, before: number, page: TimelinePage): void {
  const from = Math.min(page.from(before), before);
  learnPolls(core, room, page.polls);
  // What the log has from `before` on is whole already.
  const events = page.events.filter((event) => event.seq < before);
  const open = openRoom(core, room);
  open?.timeline.handleThreads(page.threads);
  open?.timeline.handleOlder(from, events, page.amendments, page.isAtStart);
  // What is older may be in the cache from another time.
  const deleted = deletedBy([...events, ...page.amendments]);
  if (from < before) writeRun(core, { room, from, to: before - 1, events, isStale: false });
  if (deleted.size > 0) core.writes.push({ type: "erase", room, seqs: deleted });
  for (const event of page.amendments) if (event.seq >= before) writeOne(core, room, event);
  const record = core.rooms.get(room);
  if (record?.log.from !== before) return;
  record.log = { ...record.log, from };
  core.changedRooms.add(room);
}

/** Keeps an event by itself. */
export function writeOne(core: Core, room: RoomId, event: LogEvent): void {
  core.writes.push({
    type: "run",
    run: { room, from: event.seq, to: event.seq, events: [event], isStale: false },
  });
}

// Waiting for pages.

function finishPaging(core: Core, scope: Scope, fault: PageFault | undefined): void {
  const open = core.timelines.get(scopeKey(scope));
  if (open?.paging === undefined) return;
  open.paging = undefined;
  core.notices.push({ type: "paged", scope, fault });
  if (!fault) fill(core, scope);
}

/** The user isn't in the room any more. */
export function stopPagingOf(core: Core, room: RoomId): void {
  for (const timeline of core.timelinesOf(room)) finishPaging(core, timeline.scope, { why: "room-lost" });
}

/**
 * Reads pages that are wanted and on no way yet: those of a connection that is gone, or cut off, or read for a
 * timeline that has started over.
 */
export function pageAgain(core: Core): void {
  if (!core.session) return;
  for (const { timeline, paging, isLoading } of [...core.timelines.values()]) {
    if (paging === undefined || isLoading || core.isReading(olderKey(timeline.scope))) continue;
    readOlder(core, timeline.scope, timeline.from, paging);
  }
}

/** There is no connection and none on its way: pages that were read from the server don't come. */
export function stopPaging(core: Core): void {
  for (const { timeline, isLoading } of [...core.timelines.values()]) {
    if (!isLoading) finishPaging(core, timeline.scope, { why: "offline" });
  }
}
