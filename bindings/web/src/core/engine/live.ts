/** What the event lane and datagrams say: the next events of rooms, heads, gaps, typing. */

import { decode } from "../../codec/message.js";
import { isTransient } from "../../errors.js";
import { isCountable, type RoomEventBody } from "../../generated/events.js";
import * as Kind from "../../generated/kinds.js";
import { Subscribe } from "../../generated/rpc.js";
import { SubscribeResponse } from "../../generated/sync/v1/sync.js";
import { Typing } from "../../generated/typing/v1/typing.js";
import type { Ephemeral, RoomPulse } from "../../generated/wire/v1/lanes.js";
import { fieldOf, idOf, type RoomId, type UserId } from "../../ids.js";
import { SUBSCRIPTIONS_MAX, WAITING_EVENTS_MAX } from "../../limits.js";
import type { Now } from "../../time.js";
import type { Run } from "../cache/cache.js";
import { type Head, headOf, headOfPulse } from "../counts.js";
import { deletedBy, type LogEvent } from "../event.js";
import type { Live } from "../lanes.js";
import { hashOf, isEmpty, type RoomRecord } from "../record.js";
import type { Core } from "./core.js";
import { eraseUnderWay } from "./expiry.js";
import { fillOpen } from "./history.js";
import { recountSoon } from "./markers.js";
import { isByBlocked } from "./people.js";
import { learnFromPoll } from "./polls.js";
import { handlePresence } from "./presence.js";
import { catchUp, repairSoon } from "./repair.js";
import { handleEcho, settle } from "./sending.js";
import { describeRoom, startLog } from "./session.js";
import { handleUserEvents, startSync } from "./syncing.js";
import { learnFromThread } from "./threads.js";

/** Something live. */
export function handleLive(core: Core, live: Live, now: Now): void {
  if (!core.session) return;
  switch (live.type) {
    case "room":
      return handleRoomEvents(core, live.room, live.events, now);
    case "user":
      return handleUserEvents(core, live.events, now);
    case "pulse":
      return handlePulse(core, live.pulse, now);
    case "gap":
      for (const pulse of live.pulses) handleMissed(core, pulse, now);
      return subscribe(
        core,
        live.pulses.flatMap((pulse) => idOf(pulse.room) ?? []),
      );
    case "heads":
      for (const pulse of live.pulses) handleMissed(core, pulse, now);
      if (live.userSeq > core.meta.userSeq) startSync(core);
      return;
    case "ephemeral":
      return handleEphemeral(core, live.ephemeral, now);
    case "presence":
      return handlePresence(core, live.update);
  }
}

/** The events of a room that a waiting one stands before. */
export function waitingOf(core: Core, room: RoomId): Map<number, LogEvent> {
  const known = core.waiting.get(room) ?? new Map<number, LogEvent>();
  core.waiting.set(room, known);
  return known;
}

function handleRoomEvents(core: Core, room: RoomId, events: readonly LogEvent[], now: Now): void {
  const [first] = events;
  if (!first) return;
  if (!core.rooms.get(room)) {
    // Its RoomGained is on the way; until then the server is asked what it is.
    startLog(core, room, first.seq - 1);
    describeRoom(core, room);
  }
  const wasUnread = isEmpty(core.rooms.entry(room).log);
  let next = core.rooms.entry(room).log.to + 1;
  const ready: LogEvent[] = [];
  for (const event of events) {
    if (event.seq === next) {
      next += 1;
      ready.push(event);
    } else if (event.seq > next) {
      const waiting = waitingOf(core, room);
      waiting.set(event.seq, event);
      if (waiting.size > WAITING_EVENTS_MAX) waiting.delete(Math.max(...waiting.keys()));
    }
  }
  accept(core, room, ready, next - 1, now);
  catchUp(core, room);
  if (wasUnread) fillOpen(core, room);
}

/**
 * Takes the next events of a room's log, which then is known up to `to`; and after them those that have waited
 * for them.
 */
export function accept(
  core: Core,
  room: RoomId,
  ready: readonly LogEvent[],
  readyTo: number,
  now: Now,
): void {
  const { events, to } = withWaiting(core, room, ready, readyTo);
  const record = core.rooms.get(room);
  const me = core.session?.me;
  if (!record || me === undefined || to <= record.log.to) return;
  const from = record.log.to + 1;
  const erased = deletedBy(events);
  for (const event of events) {
    handleEcho(core, event, me);
    learnFromEvent(core, record, event, me, now);
  }
  record.log = { from: record.log.from, to };
  settle(core, room, to);
  // Withheld and damaged ones at the end count as seen, too.
  record.head = { ...record.head, seq: Math.max(record.head.seq, to) };
  if (record.counts.isUncertain || core.threadsUncertain) recountSoon(core, now);
  core.expiring.note(room, events);
  for (const timeline of core.timelinesOf(room)) timeline.handleLive(events);
  writeRun(core, { room, from, to, events: [...events], isStale: false });
  if (erased.size > 0) {
    eraseUnderWay(core, room, erased);
    core.writes.push({ type: "erase", room, seqs: erased });
  }
  core.changed(room);
  if (events.length > 0) core.notices.push({ type: "events", room, events });
}

function withWaiting(
  core: Core,
  room: RoomId,
  ready: readonly LogEvent[],
  readyTo: number,
): { events: LogEvent[]; to: number } {
  const events = [...ready];
  let to = readyTo;
  const waiting = core.waiting.get(room);
  if (!waiting) return { events, to };
  for (const seq of waiting.keys()) if (seq <= to) waiting.delete(seq);
  for (let next = waiting.get(to + 1); next; next = waiting.get(to + 1)) {
    to += 1;
    waiting.delete(to);
    events.push(next);
  }
  if (waiting.size === 0) core.waiting.delete(room);
  return { events, to };
}

/** Puts a run behind the one before where they meet: live events come one by one. */
export function writeRun(core: Core, run: Run): void {
  const last = core.writes.at(-1);
  if (last?.type === "run" && last.run.room === run.room && last.run.to + 1 === run.from) {
    last.run.to = run.to;
    last.run.events.push(...run.events);
  } else core.writes.push({ type: "run", run });
}

/** What an event says of its room: its counts, its head, its name and whatever else is known of it. */
export function learnFromEvent(core: Core, record: RoomRecord, event: LogEvent, me: UserId, now: Now): void {
  const { sender } = event;
  if (sender && isCountable(event.kind)) core.rooms.handleTyping(record.id, sender, false, now);
  const isOfRoom = event.header.threadRootSeq === 0;
  if (!isOfRoom) learnFromThread(core, record.id, event, me);
  const body = event.roomBody();
  learnFromPoll(core, record.id, event, body, me);
  if (event.seq > record.head.seq) {
    if (isOfRoom) record.counts.handleEvent(event, me, isByBlocked(core, event));
    // What nobody did is no news of the room.
    const { atMs } = body.case === "messagesDeleted" ? record.head : event.header;
    record.head = { ...headOf(event.header), atMs };
  } else if (isOfRoom) record.counts.handleLateEvent(event, me, record.head);
  learnAboutRoom(record, body, event.seq);
}

function learnAboutRoom(record: RoomRecord, body: RoomEventBody, seq: number): void {
  if (seq <= record.toldSeq) return;
  if (body.case === "roomRenamed") record.name = body.value.name;
  else if (body.case === "roomHandedOver") record.creator = idOf<UserId>(body.value.to);
  else if (body.case === "topicChanged") record.topic = body.value.topic;
  else if (body.case === "roomArchived") record.isArchived = body.value.archived;
  else if (body.case === "roomOpened") record.isOpen = body.value.open;
  else if (body.case === "roomAvatarChanged") record.avatar = hashOf(body.value.avatar);
  else if (body.case === "slowModeChanged") record.slowModeS = body.value.seconds;
  else if (body.case === "messageExpiryChanged") record.messageExpiryS = body.value.seconds;
  else if (body.case === "membersAdded") record.memberCount += body.value.users.length;
  else if (body.case === "memberRemoved" || (body.case === "memberBanned" && body.value.wasMember)) {
    record.memberCount = Math.max(record.memberCount - 1, 0);
  } else return;
  record.toldSeq = seq;
}

function handlePulse(core: Core, pulse: RoomPulse, now: Now): void {
  const room = idOf(pulse.room);
  if (!room) return;
  const record = core.rooms.get(room);
  if (!record) return describeRoom(core, room);
  jump(core, record, headOfPulse(pulse, record.head), now);
  learnOwn(core, record, pulse, now);
  catchUp(core, room);
}

/** The head of a room of which something wasn't told: whether the user wrote there isn't known. */
function handleMissed(core: Core, pulse: RoomPulse, now: Now): void {
  const room = idOf(pulse.room);
  const record = room && core.rooms.get(room);
  const isNews = record && record.head.seq < pulse.seq;
  handlePulse(core, pulse, now);
  if (isNews) record.counts.doubt();
}

/** What the user wrote of what a pulse stands for. */
function learnOwn(core: Core, record: RoomRecord, pulse: RoomPulse, now: Now): void {
  if (pulse.ownSeq === 0) return;
  record.counts.handleOwn(pulse.ownSeq, pulse.ownMsgNo, record.head);
  if (record.counts.isUncertain) recountSoon(core, now);
  core.changed(record.id);
}

/** The room goes on without its events being seen. */
export function jump(core: Core, record: RoomRecord, to: Head, now: Now): void {
  const before = record.head;
  if (to.seq <= before.seq) return;
  const isNews = to.msgNo > before.msgNo;
  record.counts.handleJump(before, to);
  record.head = isNews ? { ...to, atMs: Math.max(before.atMs, core.serverMs(now)) } : to;
  core.threadsUncertain ||= record.threads.length > 0;
  core.changed(record.id);
  recountSoon(core, now);
}

function handleEphemeral(core: Core, ephemeral: Ephemeral, now: Now): void {
  const room = idOf(ephemeral.room);
  const sender = idOf<UserId>(ephemeral.sender);
  if (!room || !sender) return;
  if (ephemeral.kind !== Kind.typing) {
    const { kind, body } = ephemeral;
    core.notices.push({ type: "signal", signal: { type: "ephemeral", room, sender, kind, body } });
    return;
  }
  if (sender === core.meta.user || core.meta.blocked.has(sender)) return;
  try {
    core.rooms.handleTyping(room, sender, decode(Typing, ephemeral.body).active, now);
  } catch {
    // Malformed ones are ignored, as datagrams are.
  }
}

// Subscriptions.

/** Whole events of these rooms are wanted on this connection. */
export function subscribe(core: Core, rooms: readonly RoomId[]): void {
  if (!core.session) return;
  for (let at = 0; at < rooms.length; at += SUBSCRIPTIONS_MAX) {
    const some = rooms.slice(at, at + SUBSCRIPTIONS_MAX);
    core.call("subscribe", Subscribe, { add: some.map(fieldOf) }, (result, now) => {
      if (!result.ok) {
        // Until it is asked again these rooms are told by their heads only.
        if (isTransient(result.error)) {
          for (const room of some) core.unheard.add(room);
          repairSoon(core, now);
        }
        return;
      }
      for (const pulse of decode(SubscribeResponse, result.body).heads) handlePulse(core, pulse, now);
    });
  }
}

/** Whole events of a room aren't wanted any more. */
export function unsubscribe(core: Core, room: RoomId): void {
  if (!core.session || core.focus !== "focused") return;
  core.unheard.delete(room);
  core.call("subscribe", Subscribe, { remove: [fieldOf(room)] }, () => undefined);
}

/** Asks again for rooms whose whole events were refused for a while. */
export function subscribeAgain(core: Core): void {
  const rooms = [...core.unheard].filter((room) => core.focus !== "focused" || core.isOpen(room));
  core.unheard.clear();
  subscribe(core, rooms);
}

/** A new connection knows nothing of what the one before was subscribed to. */
export function resubscribe(core: Core): void {
  if (core.focus !== "focused") return;
  const rooms = new Set([...core.timelines.values()].map(({ timeline }) => timeline.scope.room));
  subscribe(core, [...rooms]);
}
