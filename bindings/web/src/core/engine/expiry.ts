/**
 * Messages that disappear: gone from what is shown and from the cache at their time, also without a
 * connection. The server deletes them, too, and its delete counts.
 */

import type { RoomId } from "../../ids.js";
import { EXPIRING_MAX, EXPIRY_LOOKED_AT_EVERY_MS } from "../../limits.js";
import { NEVER, type Now } from "../../time.js";
import type { LogEvent } from "../event.js";
import type { Core } from "./core.js";

/** A message that was seen and will disappear. */
interface Due {
  atMs: number;
  room: RoomId;
  seq: number;
}

/** Those of them that come first. */
export class Expiring {
  readonly due = new Map<string, Due>();
  /** When to look again; the wall clock may have been set meanwhile. */
  lookMs = NEVER;

  /** These events are shown, or kept. */
  note(room: RoomId, events: readonly LogEvent[]): void {
    for (const event of events) {
      const atMs = event.header.expiresAtMs;
      // Of more than these the server's delete is heard in time.
      if (atMs === 0 || event.isErased || this.due.size >= EXPIRING_MAX) continue;
      this.due.set(`${room}/${event.seq}`, { atMs, room, seq: event.seq });
      this.lookMs = 0;
    }
  }
}

/** The time to look has come. */
export function handleExpiryTimeout(core: Core, now: Now): void {
  const { expiring } = core;
  if (expiring.lookMs > now.elapsedMs) return;
  const serverMs = core.serverMs(now);
  let next = NEVER;
  for (const [key, { atMs, room, seq }] of expiring.due) {
    if (atMs > serverMs) {
      next = Math.min(next, atMs);
      continue;
    }
    expiring.due.delete(key);
    const seqs = new Set([seq]);
    eraseUnderWay(core, room, seqs);
    for (const timeline of core.timelinesOf(room)) timeline.handleExpired(seq);
    core.writes.push({ type: "erase", room, seqs });
  }
  expiring.lookMs = now.elapsedMs + Math.min(Math.max(next - serverMs, 1), EXPIRY_LOOKED_AT_EVERY_MS);
  if (next === NEVER) expiring.lookMs = NEVER;
}

/** Messages are deleted while pages of their room are read, which may have been read before. */
export function eraseUnderWay(core: Core, room: RoomId, seqs: ReadonlySet<number>): void {
  for (const task of core.tasks.values()) {
    if (task.room === room && task.page) for (const seq of seqs) task.page.deleted.add(seq);
  }
}
