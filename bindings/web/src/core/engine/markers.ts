/** Read markers and typing. */

import { decode, encode } from "../../codec/message.js";
import { isTransient } from "../../errors.js";
import * as Kind from "../../generated/kinds.js";
import { MarkReadResponse, MarkUnreadRequest, MarkUnreadResponse } from "../../generated/marker/v1/marker.js";
import { MarkRead } from "../../generated/rpc.js";
import { Typing } from "../../generated/typing/v1/typing.js";
import { Ephemeral } from "../../generated/wire/v1/lanes.js";
import { fieldOf, idOf, type RoomId } from "../../ids.js";
import { COUNTS_AGAIN_AFTER_MS, EARLY_MARKS_MAX, TYPING_EVERY_MS } from "../../limits.js";
import type { Now } from "../../time.js";
import type { CallResult } from "../connection.js";
import { headOfPulse } from "../counts.js";
import type { RoomRecord } from "../record.js";
import type { Core } from "./core.js";
import { jump } from "./live.js";

/** Everything up to `seq` is read. Kept, and told to the server once there is a connection. */
export function markRead(core: Core, room: RoomId, seq: number): void {
  const record = core.rooms.get(room);
  if (!record) return markEarly(core, room, seq);
  if (seq <= Math.max(record.counts.readSeq, record.unsentRead) && record.counts.messages === 0) return;
  record.unsentRead = Math.max(record.unsentRead, seq);
  record.counts.assumeRead(seq, record.head);
  core.changed(room);
  sendMark(core, room);
}

/**
 * The client hasn't heard of the room, as right after another user has made it. The server may take the mark all the
 * same, and the user's log tells of it then.
 */
function markEarly(core: Core, room: RoomId, seq: number): void {
  const kept = core.earlyMarks.get(room) ?? 0;
  if (seq <= kept || (kept === 0 && core.earlyMarks.size >= EARLY_MARKS_MAX)) return;
  core.earlyMarks.set(room, seq);
  sendMark(core, room);
}

/** Tells the server of all markers it doesn't know yet. */
export function sendMarks(core: Core): void {
  for (const record of core.rooms.all()) if (record.unsentRead > 0) sendMark(core, record.id);
  for (const room of core.earlyMarks.keys()) sendMark(core, room);
}

/** One at a time per room; the answer sends what has been marked since. */
function sendMark(core: Core, room: RoomId): void {
  const seq = Math.max(core.rooms.get(room)?.unsentRead ?? 0, core.earlyMarks.get(room) ?? 0);
  if (core.session && seq > 0 && !core.isCalling(`mark:${room}`)) askMark(core, room, seq);
}

function askMark(core: Core, room: RoomId, seq: number): void {
  const handle = (result: CallResult, now: Now) => handleMarked(core, room, seq, result, now);
  core.call(`mark:${room}`, MarkRead, { room: fieldOf(room), seq }, handle);
}

function handleMarked(core: Core, room: RoomId, seq: number, result: CallResult, now: Now): void {
  const record = core.rooms.get(room);
  if (result.ok) {
    if (record) learnCounts(core, record, decode(MarkReadResponse, result.body), now);
  } else if (isTransient(result.error)) {
    // It stays unsent, and goes out again a while later, or with the next mark or connection.
    return recountSoon(core, now);
  }
  if ((core.earlyMarks.get(room) ?? 0) <= seq) core.earlyMarks.delete(room);
  if (record?.unsentRead === seq) finishMark(core, record);
  if (record) core.changed(room);
  sendMark(core, room);
}

/** The server knows the marker. It must not come back: it would be told again, over one moved back since. */
function finishMark(core: Core, record: RoomRecord): void {
  if (record.unsentRead > 0) core.writes.push({ type: "sync" });
  record.unsentRead = 0;
}

/** The answer to a call that moved a marker back. */
export function learnMarker(core: Core, request: Uint8Array, answer: Uint8Array, now: Now): void {
  const room = idOf(decode(MarkUnreadRequest, request).room);
  const marked = decode(MarkUnreadResponse, answer);
  const record = room && core.rooms.get(room);
  if (!record || !marked.marker) return;
  learnCounts(core, record, marked, now);
  finishMark(core, record);
  core.changed(room);
}

/**
 * The server's counts of a room, and up to which head: it may be ahead of what was told here, and events up to it
 * aren't counted again; or behind.
 */
function learnCounts(core: Core, record: RoomRecord, marked: MarkReadResponse, now: Now): void {
  const { marker, unread, head } = marked;
  if (!marker) return;
  const asOf = head ? headOfPulse(head, record.head) : record.head;
  jump(core, record, asOf, now);
  if (record.head.seq === asOf.seq) record.head = { ...asOf, atMs: record.head.atMs };
  record.counts.handleAnswer(marker, unread, asOf, record.head);
  if (record.counts.isUncertain) recountSoon(core, now);
}

/** Asks for counts that became uncertain, soon and once for all of them. */
export function recountSoon(core: Core, now: Now): void {
  core.recountMs = Math.min(core.recountMs, now.elapsedMs + COUNTS_AGAIN_AFTER_MS);
}

/**
 * Marking what is marked already changes nothing, and its answer has the counts. What the server didn't take yet
 * is marked with it.
 */
export function recount(core: Core): void {
  sendMarks(core);
  for (const { id, counts, unsentRead } of core.rooms.all()) {
    if (counts.isUncertain && unsentRead === 0) askMark(core, id, counts.marker.seq);
  }
}

/** The user is typing, or has stopped. May be called at every key: it is sent every 4 s. */
export function typing(core: Core, room: RoomId, active: boolean, now: Now): void {
  const last = core.typedMs.get(room);
  const isDue = last === undefined ? active : !active || last + TYPING_EVERY_MS <= now.elapsedMs;
  if (!isDue || !core.session) return;
  if (active) core.typedMs.set(room, now.elapsedMs);
  else core.typedMs.delete(room);
  const body = encode(Typing, { active });
  const bytes = encode(Ephemeral, { room: fieldOf(room), kind: Kind.typing, body });
  core.actions.push({ type: "datagram", bytes });
}
