/** The beginning and the end of a connection, answers to calls, and what rooms there are. */

import { decode } from "../../codec/message.js";
import { Malformed } from "../../codec/wire.js";
import {
  CreateGroupResponse,
  GetRoomResponse,
  OpenDirectResponse,
  type Room,
} from "../../generated/room/v1/room.js";
import { CreateGroup, GetRoom, MarkUnread, OpenDirect } from "../../generated/rpc.js";
import type { Welcome } from "../../generated/wire/v1/control.js";
import { ErrorReason, Retry } from "../../generated/wire/v1/error.js";
import { fieldOf, idOf, type RoomId, type UserId } from "../../ids.js";
import { NEVER, type Now } from "../../time.js";
import type { CallResult } from "../connection.js";
import { Outbox } from "../outbox.js";
import type { Request } from "../payload.js";
import { describe, emptyAfter, isDescribed } from "../record.js";
import { askAgain } from "./asking.js";
import type { Core } from "./core.js";
import { pageAgain, stopPagingOf } from "./history.js";
import { resubscribe } from "./live.js";
import { learnMarker, sendMarks } from "./markers.js";
import { askBlocked } from "./people.js";
import { doubtPolls } from "./polls.js";
import { forgetPresence, presenceConnected, presenceDisconnected } from "./presence.js";
import { failRoom, refreshOutboxItems, sendOutbox, settle } from "./sending.js";
import { startSync } from "./syncing.js";

/**
 * A connection was welcomed, in place of the one before if there is one. What was under way there is asked
 * again here. Throws `Malformed`.
 */
export function handleWelcome(core: Core, welcome: Welcome, now: Now): void {
  const me = idOf<UserId>(welcome.user);
  const incarnation = idOf<string>(welcome.incarnation);
  if (me === undefined || incarnation === undefined) throw new Malformed();
  handleDisconnected(core);
  learnIdentity(core, me, incarnation);
  core.meta.resume = welcome.resume.slice();
  core.metaChanged = true;
  core.clockOffsetMs = welcome.serverTimeMs - now.unixMs;
  core.session = { me, isSynced: false };
  for (const { timeline } of core.timelines.values()) timeline.setMe(me);
  askBlocked(core);
  startSync(core);
  pageAgain(core);
  resubscribe(core);
  core.outbox.handleConnected();
  sendOutbox(core, now);
  repeatCalls(core);
  askAgain(core);
  sendMarks(core);
  presenceConnected(core, now);
  for (const record of core.rooms.all()) if (!isDescribed(record)) describeRoom(core, record.id);
  core.notices.push({ type: "signal", signal: { type: "missed" } });
}

function learnIdentity(core: Core, me: UserId, incarnation: string): void {
  const { meta } = core;
  const isOther = meta.user !== undefined && meta.user !== me;
  if (isOther) {
    // Another user's words are never sent in this one's name.
    core.writes.push({ type: "reset-outbox" });
    core.outbox = new Outbox();
    core.settled.clear();
  }
  if (isOther || (meta.incarnation !== undefined && meta.incarnation !== incarnation)) {
    // What was acknowledged by a store that is gone, and isn't known to be in this one.
    for (const places of core.settled.values()) {
      for (const { entry } of places.values()) core.outbox.putBack(entry);
    }
    core.settled.clear();
    forget(core);
  }
  meta.user = me;
  meta.incarnation = incarnation;
}

/** The connection is gone. Pages of history wait for the next one. */
export function handleDisconnected(core: Core): void {
  if (!core.session) return;
  core.session = undefined;
  core.outbox.handleDisconnected();
  presenceDisconnected(core);
  for (const [id, call] of core.calls) if (!call.again) core.calls.delete(id);
  const tasks = [...core.tasks];
  // Orders for a connection that is gone; reads of the cache are still wanted.
  core.actions = core.actions.filter((action) => action.type === "load");
  for (const [id, task] of tasks) {
    core.actions.push({ type: "cancel-bulk", id });
    if (task.disconnected) task.disconnected();
    else core.tasks.delete(id);
  }
  core.waiting.clear();
  core.userWaiting.clear();
  core.unheard.clear();
  core.syncMs = core.repairMs = core.recountMs = NEVER;
  refreshOutboxItems(core);
}

// Calls.

/** The answer to a call. */
export function handleReply(core: Core, id: number, result: CallResult, now: Now): void {
  const call = core.calls.get(id);
  if (!call) return;
  core.calls.delete(id);
  try {
    call.handle(result, now);
  } catch (error) {
    // An answer that can't be read is none.
    if (!(error instanceof Malformed)) throw error;
  }
}

/** Makes a call for the application, now or once there is a connection, and again if its answer is lost. */
export function callForApp(core: Core, request: Request): number {
  const again = { key: "app", again: request };
  const id = core.startCall(request, 0, { ...again, handle: (result, now) => answer(result, now) });
  const answer = (result: CallResult, now: Now): void => {
    if (!result.ok && result.error.retry === Retry.RECONNECT) {
      // Not a failure: the next connection answers it.
      core.calls.set(id, { ...again, handle: answer });
      return;
    }
    core.notices.push({ type: "reply", id, result });
    if (result.ok) learnFromReply(core, request, result.body, now);
  };
  return id;
}

/** The answer isn't wanted any more. */
export function cancelCall(core: Core, id: number): void {
  if (core.calls.delete(id) && core.session) core.actions.push({ type: "cancel", id });
}

function repeatCalls(core: Core): void {
  for (const [id, { again }] of core.calls) {
    if (again) core.actions.push({ type: "call", id, request: again, chain: 0 });
  }
}

/** Answers that tell about rooms tell the list of rooms too. */
function learnFromReply(core: Core, { method, body }: Request, answer: Uint8Array, now: Now): void {
  if (method === OpenDirect.id) learnRoom(core, decode(OpenDirectResponse, answer).room);
  else if (method === CreateGroup.id) learnRoom(core, decode(CreateGroupResponse, answer).room);
  else if (method === GetRoom.id) learnAnswer(core, answer);
  else if (method === MarkUnread.id) learnMarker(core, body, answer, now);
}

// Rooms.

/** What the server says of a room. */
export function learnRoom(core: Core, described: Room | undefined, asOfSeq = 0): void {
  const room = idOf(described?.id);
  if (!room || !described) return;
  describe(core.rooms.entry(room), described, asOfSeq);
  core.changed(room);
}

function learnAnswer(core: Core, answer: Uint8Array): void {
  const { room, asOfSeq } = decode(GetRoomResponse, answer);
  learnRoom(core, room, asOfSeq);
}

/** Asks what a room is that is only known by its events. */
export function describeRoom(core: Core, room: RoomId): void {
  const key = `describe:${room}`;
  if (!core.session || core.isCalling(key)) return;
  core.call(key, GetRoom, { room: fieldOf(room) }, (result) => {
    if (result.ok) {
      if (core.rooms.get(room)) learnAnswer(core, result.body);
    } else if (result.error.reason === ErrorReason.ROOM_NOT_FOUND) loseRoom(core, room);
  });
}

/** The user isn't in the room any more. */
export function loseRoom(core: Core, room: RoomId): void {
  if (!core.rooms.remove(room)) return settle(core, room, NEVER);
  core.changedRooms.delete(room);
  core.waiting.delete(room);
  for (const [id, task] of [...core.tasks]) if (task.room === room) core.cancelTask(id);
  core.writes.push({ type: "room-gone", room });
  failRoom(core, room);
  stopPagingOf(core, room);
  for (const timeline of core.timelinesOf(room)) timeline.handleForgotten();
  core.notices.push({ type: "room-lost", room });
}

/** A room without anything known about its log before `to`. */
export function startLog(core: Core, room: RoomId, to: number): void {
  core.rooms.entry(room).log = emptyAfter(to);
  doubtPolls(core, room);
  settle(core, room, to);
}

/** Drops what came from another store or belongs to another user. */
function forget(core: Core): void {
  core.writes.push({ type: "reset" });
  core.changedRooms.clear();
  core.rooms.clear();
  core.earlyMarks.clear();
  core.screen.clear();
  core.screenAsOf = 0;
  Object.assign(core.meta, { userSeq: 0, watermarkMs: 0, settings: undefined, knowsBlocked: false });
  forgetPresence(core);
  for (const { timeline } of core.timelines.values()) timeline.handleForgotten();
  refreshOutboxItems(core);
}
