/** From the outbox to the room's log. */

import { decode } from "../../codec/message.js";
import { SendResponse } from "../../generated/message/v1/message.js";
import { ReadLog } from "../../generated/rpc.js";
import { type ClientRef, fieldOf, type RoomId, type UserId, uuidV7 } from "../../ids.js";
import { SENDS_MAX, SETTLED_PER_ROOM_MAX } from "../../limits.js";
import type { Now } from "../../time.js";
import type { CallResult } from "../connection.js";
import type { LogEvent } from "../event.js";
import type { Entry } from "../outbox.js";
import type { Payload } from "../payload.js";
import type { Timeline } from "../timeline/timeline.js";
import type { Core, Settled } from "./core.js";
import { readLogItem } from "./page.js";
import { settlePoll } from "./polls.js";

/**
 * Puts something into the outbox; it is sent when its turn comes. `random`, ten bytes, makes its ref. With `waitMs`
 * it is kept back for so long, and `discard` undoes it. `undefined` when the outbox is full.
 */
export function send(
  core: Core,
  room: RoomId,
  payload: Payload,
  random: Uint8Array,
  now: Now,
  waitMs = 0,
): ClientRef | undefined {
  // In the server's time, which is what the age of a ref is measured in.
  const serverMs = core.serverMs(now);
  const afterSeq = core.rooms.get(room)?.log.to ?? 0;
  const entry = core.outbox.push(room, uuidV7(serverMs, random), payload, serverMs, afterSeq);
  if (!entry) return undefined;
  if (waitMs > 0) entry.state = { type: "held", untilMs: now.elapsedMs + waitMs };
  keepAndShow(core, entry);
  sendOutbox(core, now);
  return entry.clientRef;
}

/** Sends a failed entry again. */
export function retry(core: Core, clientRef: ClientRef, now: Now): void {
  const entry = core.outbox.retry(clientRef);
  if (!entry) return;
  keepAndShow(core, entry);
  sendOutbox(core, now);
}

/** Takes an entry out of the outbox. What was under way may still arrive. */
export function discard(core: Core, clientRef: ClientRef, now: Now): void {
  const entry = core.outbox.discard(clientRef);
  if (!entry) return;
  endEntry(core, entry);
  for (const timeline of core.timelinesOf(entry.room)) timeline.handleDiscarded(entry);
  core.notices.push({ type: "failed", clientRef, fault: { why: "discarded" } });
  sendOutbox(core, now);
}

/** Gives a message that was never sent another text; `false` when it may have been sent. */
export function rewrite(core: Core, clientRef: ClientRef, text: string): boolean {
  const entry = core.outbox.rewrite(clientRef, text);
  if (entry) keepAndShow(core, entry);
  return entry !== undefined;
}

/** Gives an entry a new ref after the notice `ref-expired`. Returns it; waiting callers follow. */
export function renewRef(
  core: Core,
  clientRef: ClientRef,
  random: Uint8Array,
  now: Now,
): ClientRef | undefined {
  const newRef = uuidV7(core.serverMs(now), random);
  const entry = core.outbox.handleNotInLog(clientRef, newRef);
  if (!entry) return undefined;
  keepAndShow(core, entry);
  sendOutbox(core, now);
  return newRef;
}

/** Makes the calls whose turn has come. */
export function sendOutbox(core: Core, now: Now): void {
  while (maySend(core)) {
    const transmit = core.outbox.takeTransmit(now);
    if (!transmit) return;
    const { clientRef, chain } = transmit;
    const entry = core.outbox.entry(clientRef);
    if (entry) showEntry(core, entry);
    const handle = (result: CallResult, then: Now) => handleAnswer(core, clientRef, result, then);
    core.startCall(transmit, chain, { key: `send:${clientRef}`, again: undefined, handle });
  }
}

/** Whether there is a connection, with room for one more send among its calls. */
export function maySend(core: Core): boolean {
  const sends = [...core.calls.values()].filter((call) => call.key.startsWith("send:"));
  return core.session !== undefined && sends.length < SENDS_MAX;
}

function handleAnswer(core: Core, clientRef: ClientRef, result: CallResult, now: Now): void {
  const place = result.ok ? placeIn(result.body) : undefined;
  if (result.ok && !place) {
    core.outbox.handleUnanswered(clientRef, now);
    const entry = core.outbox.entry(clientRef);
    if (entry) showEntry(core, entry);
    return sendOutbox(core, now);
  }
  const outcome = core.outbox.handleAnswer(clientRef, result.ok ? undefined : result.error, now);
  if (outcome.type === "sent" && place) finishEntry(core, outcome.entry, place.seq, place.atMs);
  else if (outcome.type === "again") showEntry(core, outcome.entry);
  else if (outcome.type === "search") lookFor(core, outcome.entry);
  else if (outcome.type === "failed") {
    keepAndShow(core, outcome.entry);
    core.notices.push({ type: "failed", clientRef, fault: { why: "refused", error: outcome.error } });
  }
  sendOutbox(core, now);
}

/**
 * The answers to send, edit, delete and the others have the same fields. One that can't be read says nothing: under
 * the same ref the server says it again.
 */
function placeIn(answer: Uint8Array): { seq: number; atMs: number } | undefined {
  try {
    return decode(SendResponse, answer);
  } catch {
    return undefined;
  }
}

/** An own event of the log, live or read, answers for its entry. */
export function handleEcho(core: Core, event: LogEvent, me: UserId): void {
  const { clientRef, sender } = event;
  const entry = sender === me && clientRef ? core.outbox.handleEcho(clientRef) : undefined;
  if (!entry) return;
  for (const [id, call] of core.calls) if (call.key === `send:${clientRef}`) core.calls.delete(id);
  finishEntry(core, entry, event.seq, event.header.atMs);
}

/** The ref is too old for the server to remember: the log remembers. */
function lookFor(core: Core, entry: Entry): void {
  const { clientRef, room } = entry;
  core.read(
    ReadLog,
    { room: fieldOf(room), fromSeq: entry.afterSeq + 1 },
    {
      key: `search:${clientRef}`,
      room,
      page: undefined,
      item: (item) => {
        const me = core.session?.me;
        if (me) for (const event of readLogItem(item).events) handleEcho(core, event, me);
      },
      end: () => {
        if (core.outbox.entry(clientRef)) core.notices.push({ type: "ref-expired", clientRef });
      },
      cut: (now) => core.outbox.handleUnanswered(clientRef, now),
    },
  );
}

/**
 * It is in the log. Where the known part of that hasn't reached it, it stays in the cache until then, or a
 * client that ends now would not have it at all; one that starts again sends it again, and is told that it was
 * there.
 */
function finishEntry(core: Core, entry: Entry, seq: number, atMs: number): void {
  const { room, clientRef } = entry;
  // A room that was made just now may not be known yet.
  if (seq > 0 && (core.rooms.get(room)?.log.to ?? -1) < seq) {
    const places = core.settled.get(room) ?? new Map<number, Settled>();
    core.settled.set(room, places.set(seq, { entry, atMs }));
    // A room that nobody looks at may not be read for long.
    if (places.size > SETTLED_PER_ROOM_MAX) settle(core, room, Math.min(...places.keys()));
  } else endEntry(core, entry);
  settlePoll(core, entry, seq);
  for (const timeline of core.timelinesOf(room)) timeline.handleSent(entry, seq, atMs);
  core.notices.push({ type: "sent", clientRef, seq, atMs });
}

/** The log is known up to `to`: what was acknowledged there is no longer needed. */
export function settle(core: Core, room: RoomId, to: number): void {
  const places = core.settled.get(room);
  for (const [seq, { entry }] of places ?? []) {
    if (seq > to) continue;
    places?.delete(seq);
    endEntry(core, entry);
  }
  if (places?.size === 0) core.settled.delete(room);
}

function endEntry(core: Core, entry: Entry): void {
  core.writes.push({ type: "outbox-gone", order: entry.order });
}

/** The user isn't in the room any more. */
export function failRoom(core: Core, room: RoomId): void {
  settle(core, room, Number.POSITIVE_INFINITY);
  for (const entry of core.outbox.discardRoom(room)) {
    endEntry(core, entry);
    core.notices.push({ type: "failed", clientRef: entry.clientRef, fault: { why: "room-lost" } });
  }
}

function keepAndShow(core: Core, entry: Entry): void {
  core.writes.push({ type: "outbox", entry: { ...entry } });
  showEntry(core, entry);
}

function showEntry(core: Core, entry: Entry): void {
  for (const timeline of core.timelinesOf(entry.room)) timeline.handleOutbox(entry);
}

/** Shows the outbox anew: its entries' states have changed, or a timeline started over. */
export function refreshOutboxItems(core: Core): void {
  for (const { timeline } of core.timelines.values()) showUnconfirmed(core, timeline.scope.room, timeline);
}

/** Shows what the known part of the log doesn't have: acknowledged, and not yet. */
export function showUnconfirmed(core: Core, room: RoomId, timeline: Timeline): void {
  for (const [seq, { entry, atMs }] of core.settled.get(room) ?? []) {
    timeline.handleOutbox(entry);
    timeline.handleSent(entry, seq, atMs);
  }
  for (const entry of core.outbox.room(room)) timeline.handleOutbox(entry);
}
