/** What changed while the client was away: the user's own log, digests of rooms, the watermark. */

import { decode } from "../../codec/message.js";
import type { UserEventBody } from "../../generated/events.js";
import { Sync } from "../../generated/rpc.js";
import { type Digests, type RoomDigest, type SyncDone, SyncItem } from "../../generated/sync/v1/sync.js";
import { fieldOf, idOf, type RoomId } from "../../ids.js";
import {
  EVENTS_SINCE_MAX,
  FIRST_DIGESTS,
  READ_AGAIN_AFTER_MS,
  SEQ_MAX,
  WAITING_EVENTS_MAX,
} from "../../limits.js";
import type { Now } from "../../time.js";
import { Counts, headOf } from "../counts.js";
import { eventsIn, type LogEvent, submessages } from "../event.js";
import { describe, isDescribed, isEmpty, type RoomRecord, threadRecord } from "../record.js";
import type { Core } from "./core.js";
import { recountSoon } from "./markers.js";
import { askSettings, learnBlock } from "./people.js";
import { learnVoteCast } from "./polls.js";
import { catchUp, repairAll } from "./repair.js";
import { describeRoom, learnRoom, loseRoom, startLog } from "./session.js";
import { askThreads, doubtThreads, handleThreadNews } from "./threads.js";

/** One sync under way. */
interface Syncing {
  seen: Set<RoomId>;
  /** Whether the digests of all rooms come, so that one that doesn't is gone. */
  isFull: boolean;
  /** How far the user's log goes that comes; it may come in several items. */
  asOf: number;
}

/** Asks for what changed, unless that is under way. */
export function startSync(core: Core): void {
  if (core.isReading("sync")) return;
  const { incarnation, userSeq, watermarkMs } = core.meta;
  const cursor = { incarnation: incarnation ? fieldOf(incarnation) : undefined, userSeq, watermarkMs };
  const syncing: Syncing = { seen: new Set(), isFull: watermarkMs === 0, asOf: 0 };
  core.since = new Map();
  core.read(
    Sync,
    { ...cursor, first: FIRST_DIGESTS },
    {
      key: "sync",
      room: undefined,
      page: undefined,
      item: (item, now) => handleItem(core, syncing, item, now),
      end: () => {
        core.since = undefined;
      },
      cut: (now) => syncSoon(core, now),
    },
  );
}

function syncSoon(core: Core, now: Now): void {
  core.syncMs = Math.min(core.syncMs, now.elapsedMs + READ_AGAIN_AFTER_MS);
}

function handleItem(core: Core, syncing: Syncing, bytes: Uint8Array, now: Now): void {
  const { item } = decode(SyncItem, bytes);
  if (item?.case === "user") {
    const asOf = Math.min(item.value.asOfSeq, SEQ_MAX);
    if (item.value.reset) {
      askSettings(core);
      core.meta.userSeq = asOf;
      syncing.isFull = true;
    } else handleUserLog(core, syncing, asOf, bytes, now);
    core.metaChanged = true;
    drainUserEvents(core, now);
  } else if (item?.case === "digests") {
    endUserLog(core, syncing, now);
    for (const digest of item.value.rooms) handleDigest(core, syncing, digest, now);
  } else if (item?.case === "firstScreen") showFirst(core, item.value);
  else if (item?.case === "done") {
    endUserLog(core, syncing, now);
    handleDone(core, syncing, item.value, now);
  }
}

function handleUserLog(core: Core, syncing: Syncing, asOf: number, bytes: Uint8Array, now: Now): void {
  if (core.screenAsOf === 0) core.screenAsOf = asOf;
  const [delta = new Uint8Array(0)] = submessages(1, bytes);
  for (const event of eventsIn(1, delta)) handleUserEvent(core, event, now);
  syncing.asOf = asOf;
}

/** All of the user's log has come, whatever of it can't be read. */
function endUserLog(core: Core, syncing: Syncing, now: Now): void {
  if (syncing.asOf <= core.meta.userSeq) return;
  core.meta.userSeq = syncing.asOf;
  core.metaChanged = true;
  drainUserEvents(core, now);
}

/** Rooms to be shown while the log comes. Nothing is read of them, or told, before it has. */
function showFirst(core: Core, digests: Digests): void {
  if (core.meta.watermarkMs > 0) return;
  core.screenAsOf = 0;
  for (const digest of digests.rooms) {
    const room = learnDigest(core, digest);
    if (room) core.screen.add(room);
  }
}

/**
 * A digest may have been read before what the user's own log has said of the room meanwhile: that is heard
 * once more, behind it.
 */
function handleDigest(core: Core, syncing: Syncing, digest: RoomDigest, now: Now): void {
  const id = idOf(digest.room?.id);
  const since = (id && core.since?.get(id)?.filter((event) => event.seq > syncing.asOf)) ?? [];
  if (since.some((event) => event.userBody().case === "roomLost")) return;
  const room = learnDigest(core, digest);
  if (!room) return;
  // The room has gone on, so the digest said nothing of threads that only it can count.
  if (core.rooms.get(room)?.threads.some((thread) => thread.counts.isUncertain)) doubtThreads(core, now);
  for (const event of since) learnFromUserEvent(core, event, event.userBody(), room, now);
  syncing.seen.add(room);
  catchUp(core, room);
}

function keepForDigests(core: Core, event: LogEvent, body: UserEventBody, room: RoomId): void {
  // A room that one has come into begins anew, and what a digest says of it is newer.
  if (body.case === "roomGained") core.since?.delete(room);
  else core.since?.set(room, [...(core.since.get(room) ?? []), event].slice(-EVENTS_SINCE_MAX));
}

function learnDigest(core: Core, digest: RoomDigest): RoomId | undefined {
  const room = idOf(digest.room?.id);
  if (!room || !digest.room) return undefined;
  const head = headOf(digest);
  const isNew = (core.rooms.get(room)?.head.seq ?? 0) === 0;
  if (isNew) startLog(core, room, head.seq);
  const record = core.rooms.entry(room);
  // What else it would have told is asked for.
  if (!describe(record, digest.room, digest.seq)) describeRoom(core, room);
  record.settings = digest.settings;
  if (isNew || head.seq >= record.head.seq) {
    record.counts = new Counts(digest.marker, digest.unread, record.counts.ownSeq);
    record.head = head;
    record.counts.assumeRead(record.unsentRead, head);
    record.threads = digest.threads.flatMap((thread) => threadRecord(thread) ?? []);
  } else {
    // Live news went past it. What came before those, and wasn't told, it alone knows.
    record.counts.doubt();
  }
  core.changed(room);
  return room;
}

function handleDone(core: Core, syncing: Syncing, done: SyncDone, now: Now): void {
  core.meta.watermarkMs = done.watermarkMs;
  core.metaChanged = true;
  core.screen.clear();
  core.screenAsOf = 0;
  if (syncing.isFull) {
    // A room gained in this very moment has an event behind this answer; it is asked for.
    const gone = core.rooms.all().filter((record) => !syncing.seen.has(record.id) && isDescribed(record));
    for (const record of gone) describeRoom(core, record.id);
  } else if (done.roomCount !== core.rooms.size) {
    core.meta.watermarkMs = 0;
    syncSoon(core, now);
  }
  if (core.session) core.session.isSynced = true;
  if (core.rooms.all().some(({ counts }) => counts.isUncertain)) recountSoon(core, now);
  askThreads(core);
  core.notices.push({ type: "synced" });
  repairAll(core);
}

// The user's own log.

/** Live events of the user's own log. */
export function handleUserEvents(core: Core, events: readonly LogEvent[], now: Now): void {
  for (const event of events) {
    if (event.seq > core.meta.userSeq && core.userWaiting.size < WAITING_EVENTS_MAX) {
      core.userWaiting.set(event.seq, event);
    }
  }
  drainUserEvents(core, now);
  if (core.userWaiting.size > 0) startSync(core);
}

function drainUserEvents(core: Core, now: Now): void {
  for (const seq of core.userWaiting.keys()) if (seq <= core.meta.userSeq) core.userWaiting.delete(seq);
  for (;;) {
    const event = core.userWaiting.get(core.meta.userSeq + 1);
    if (!event) return;
    core.userWaiting.delete(event.seq);
    handleUserEvent(core, event, now);
  }
}

function handleUserEvent(core: Core, event: LogEvent, now: Now): void {
  if (event.seq <= core.meta.userSeq) return;
  core.meta.userSeq = event.seq;
  core.metaChanged = true;
  const body = event.userBody();
  core.notices.push({ type: "signal", signal: { type: "own", body } });
  const room = roomOf(body);
  // A digest of it said the same, and more.
  if (room && event.seq <= core.screenAsOf && core.screen.has(room)) return;
  if (room) keepForDigests(core, event, body, room);
  learnFromUserEvent(core, event, body, room, now);
}

function learnFromUserEvent(
  core: Core,
  event: LogEvent,
  body: UserEventBody,
  room: RoomId | undefined,
  now: Now,
): void {
  const record = room && core.rooms.get(room);
  if (body.case === "roomGained" && room) {
    // To a new device everything is new: it begins with what its first sync gives.
    if (core.meta.watermarkMs > 0)
      followFrom(core, room, Math.min(body.value.seq, SEQ_MAX), event.header.atMs);
    // What its events have told already isn't in it.
    const isLate = record && !isDescribed(record) && body.value.seq < record.toldSeq;
    learnRoom(core, body.value.room, body.value.seq);
    if (isLate) describeRoom(core, room);
    catchUp(core, room);
  } else if (body.case === "roomLost" && room) loseRoom(core, room);
  else if (body.case === "markerMoved" && record && body.value.marker) {
    record.counts.handleMarker(body.value.marker, record.head);
    core.changed(record.id);
    recountSoon(core, now);
  } else if (body.case === "pollVoteCast") learnVoteCast(core, body.value);
  else if (body.case === "roomSettingsChanged" && record) {
    record.settings = body.value.settings;
    core.changed(record.id);
  } else if (body.case === "settingsChanged") core.meta.settings = body.value.settings;
  else if (body.case === "blockChanged") learnBlock(core, body.value);
  // Whole events count mentions by themselves; without them the server tells.
  else if (body.case === "mentioned" && body.value.threadRootSeq === 0) {
    doubtCounts(core, record, (known) => !known.counts.knowsMention(body.value.seq), now);
  } else if (body.case === "mentionWithdrawn" && body.value.threadRootSeq === 0) {
    doubtCounts(core, record, (known) => known.counts.mentions > 0, now);
  } else handleThreadNews(core, body, now);
}

/**
 * The user is in a room from this event of it on: what comes after is news. The room may be known already,
 * from a digest with what came since, or from a pulse.
 */
function followFrom(core: Core, room: RoomId, seq: number, atMs: number): void {
  const known = core.rooms.get(room);
  const followsLater = known && isEmpty(known.log) && (known.log.to > seq || known.log.to === 0);
  if (known && !followsLater) return;
  startLog(core, room, seq);
  const record = core.rooms.entry(room);
  if (record.head.seq < seq) record.head = { ...record.head, seq, atMs };
}

function doubtCounts(
  core: Core,
  record: RoomRecord | undefined,
  isDoubtful: (record: RoomRecord) => boolean,
  now: Now,
): void {
  if (!record || !isDoubtful(record)) return;
  record.counts.isUncertain = true;
  recountSoon(core, now);
}

/** The room that an event of the user's own log is about, where a digest of it says the same. */
function roomOf(body: UserEventBody): RoomId | undefined {
  switch (body.case) {
    case "roomGained":
      return idOf(body.value.room?.id);
    case "roomLost":
    case "markerMoved":
    case "roomSettingsChanged":
    case "mentioned":
    case "mentionWithdrawn":
    case "threadFollowed":
    case "threadUnfollowed":
    case "threadMarkerMoved":
      return idOf(body.value.room);
    default:
      return undefined;
  }
}
