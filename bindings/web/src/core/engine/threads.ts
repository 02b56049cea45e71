/** Threads: pages of those that are open, and the counts of those that the user follows. */

import { decode } from "../../codec/message.js";
import { isTransient } from "../../errors.js";
import type { UserEventBody } from "../../generated/events.js";
import type { Marker } from "../../generated/marker/v1/marker.js";
import { ListThreads } from "../../generated/rpc.js";
import { type FollowedThread, ListThreadsResponse } from "../../generated/thread/v1/thread.js";
import { idOf, type RoomId, type UserId } from "../../ids.js";
import { COUNTS_AGAIN_AFTER_MS, SEQ_MAX, THREADS_ASKED } from "../../limits.js";
import type { Now } from "../../time.js";
import type { LogEvent } from "../event.js";
import { newThread, threadRecord } from "../record.js";
import type { Scope } from "../timeline/threads.js";
import type { Core, Open } from "./core.js";
import { fill, writeOne } from "./history.js";
import type { TimelinePage } from "./page.js";
import { isByBlocked } from "./people.js";
import { learnPolls } from "./polls.js";
import { startSync } from "./syncing.js";

/** A page of a thread, right before `before`. */
export function putThreadPage(
  core: Core,
  scope: Scope,
  open: Open,
  before: number,
  page: TimelinePage,
): void {
  learnPolls(core, scope.room, page.polls);
  const first = page.events[0]?.seq ?? before;
  open.timeline.handleOlder(first, page.events, page.amendments, page.isAtStart);
  // What the log has is kept already.
  const log = core.rooms.get(scope.room)?.log;
  for (const event of [...page.events, ...page.amendments]) {
    if (log && (event.seq < log.from || event.seq > log.to)) writeOne(core, scope.room, event);
  }
}

/** The room started over from its end: what its threads show may lack something. */
export function restartThreads(core: Core, room: RoomId): void {
  for (const { timeline } of [...core.timelines.values()]) {
    if (timeline.scope.room !== room || timeline.scope.root === 0) continue;
    timeline.handleForgotten();
    fill(core, timeline.scope);
  }
}

/** What the user's own log says of threads. */
export function handleThreadNews(core: Core, body: UserEventBody, now: Now): void {
  switch (body.case) {
    case "threadFollowed":
      return follow(core, idOf(body.value.room), body.value.rootSeq, body.value.marker, now);
    case "threadUnfollowed":
      return unfollow(core, idOf(body.value.room), body.value.rootSeq);
    case "threadMarkerMoved":
      return moveMarker(core, idOf(body.value.room), body.value.rootSeq, body.value.marker, now);
    case "mentioned":
    case "mentionWithdrawn":
      // Counts of threads come with the room's digest.
      return doubtThreads(core, now);
  }
}

/** The next event of a thread. Those that stand in none are the room's. */
export function learnFromThread(core: Core, room: RoomId, event: LogEvent, me: UserId): void {
  const { seq, atMs, threadNo, threadRootSeq } = event.header;
  const thread = core.rooms.entry(room).threads.find((one) => one.rootSeq === threadRootSeq);
  if (!thread || seq <= thread.head.seq) return;
  thread.counts.handleEvent(event, me, isByBlocked(core, event));
  const { head } = thread;
  const delNo = head.delNo + event.deleted.length;
  thread.head = { ...head, seq, atMs, msgNo: Math.max(head.msgNo, threadNo), delNo };
  core.threadsUncertain ||= thread.counts.isUncertain;
}

/** What is in it may have been seen before or not at all: the server tells. */
function follow(
  core: Core,
  room: RoomId | undefined,
  root: number,
  marker: Marker | undefined,
  now: Now,
): void {
  const record = room && core.rooms.get(room);
  if (!record) return;
  const rootSeq = Math.min(root, SEQ_MAX);
  const others = record.threads.filter((thread) => thread.rootSeq !== rootSeq);
  const thread = newThread(rootSeq, marker, record.head.seq);
  // Replies that came before this did aren't counted.
  thread.counts.isUncertain = true;
  record.threads = [...others, thread];
  core.changed(room);
  doubtThreads(core, now);
}

function unfollow(core: Core, room: RoomId | undefined, rootSeq: number): void {
  const record = room && core.rooms.get(room);
  if (!record) return;
  record.threads = record.threads.filter((thread) => thread.rootSeq !== rootSeq);
  core.changed(room);
}

function moveMarker(
  core: Core,
  room: RoomId | undefined,
  root: number,
  marker: Marker | undefined,
  now: Now,
): void {
  const thread = room && core.rooms.get(room)?.threads.find((one) => one.rootSeq === root);
  if (!thread || !marker) return;
  thread.counts.handleMarker(marker, thread.head);
  if (thread.counts.isUncertain) doubtThreads(core, now);
  core.changed(room);
}

/** Asks for the counts of threads, soon and once for all of them. */
export function doubtThreads(core: Core, now: Now): void {
  core.threadsUncertain = true;
  core.recountMs = Math.min(core.recountMs, now.elapsedMs + COUNTS_AGAIN_AFTER_MS);
}

/** Digests of rooms that changed have them. One under way may have been read before. */
export function recountThreads(core: Core, now: Now): void {
  if (!core.threadsUncertain) return;
  if (core.isReading("sync")) return doubtThreads(core, now);
  core.threadsUncertain = false;
  startSync(core);
}

/** Digests left these out: nothing has happened in their rooms, so the server is asked for them. */
export function askThreads(core: Core, page: Uint8Array = new Uint8Array()): void {
  const isUncertain = core.rooms
    .all()
    .some(({ threads }) => threads.some((thread) => thread.counts.isUncertain));
  if (!isUncertain || core.isCalling("threads")) return;
  core.call("threads", ListThreads, { page, pageSize: THREADS_ASKED }, (result, now) => {
    // What is refused is asked again after the next sync.
    if (!result.ok) return isTransient(result.error) ? doubtThreads(core, now) : undefined;
    const { threads, nextPage } = decode(ListThreadsResponse, result.body);
    for (const followed of threads) learnDoubtful(core, followed);
    if (nextPage.length > 0) askThreads(core, nextPage);
  });
}

function learnDoubtful(core: Core, followed: FollowedThread): void {
  const room = idOf(followed.room);
  const record = room && core.rooms.get(room);
  const told = threadRecord(followed);
  if (!record || !told) return;
  record.threads = record.threads.map((known) => {
    const isNews = known.rootSeq === told.rootSeq && known.counts.isUncertain;
    return isNews && told.head.seq >= known.head.seq ? told : known;
  });
  core.changed(room);
}
