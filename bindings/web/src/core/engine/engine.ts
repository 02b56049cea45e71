/** The whole client as one state machine: its features' functions behind one face. See `core.ts`. */

import type { Welcome } from "../../generated/wire/v1/control.js";
import type { ClientRef, DeviceId, RoomId, UserId } from "../../ids.js";
import { CALLS_WAITING_MAX } from "../../limits.js";
import type { Now } from "../../time.js";
import { NEVER } from "../../time.js";
import type { Meta, Run, Saved, Write } from "../cache/cache.js";
import type { CallResult } from "../connection.js";
import type { Diff } from "../diff.js";
import type { Bulk, Live } from "../lanes.js";
import type { Payload, Request } from "../payload.js";
import type { Activity, UserPresence } from "../presence.js";
import type { RoomRecord } from "../record.js";
import type { RoomSummary } from "../rooms.js";
import type { Item } from "../timeline/item.js";
import { type Scope, scopeKey } from "../timeline/threads.js";
import type { Timeline } from "../timeline/timeline.js";
import { loseCache, writeAnew } from "./anew.js";
import { ask, stopAsking } from "./asking.js";
import { type Action, Core, type Focus, type Notice } from "./core.js";
import { handleExpiryTimeout } from "./expiry.js";
import { closeTimeline, handleLoaded, loadOlder, openTimeline, stopPaging } from "./history.js";
import { handleLive } from "./live.js";
import { markRead, recount, typing } from "./markers.js";
import { handlePresenceTimeout, setActivity, unwatchPresence, watchPresence } from "./presence.js";
import { handleBulk, handleBulkCut, repairAll } from "./repair.js";
import { discard, maySend, renewRef, retry, rewrite, send, sendOutbox } from "./sending.js";
import { callForApp, cancelCall, handleDisconnected, handleReply, handleWelcome } from "./session.js";
import { startSync } from "./syncing.js";
import { recountThreads } from "./threads.js";

/** The client's state machine. */
export class Engine {
  readonly #core: Core;

  /** The client as it was saved. `device` is used when the cache has none yet. */
  constructor(saved: Saved, device: DeviceId, focus: Focus = "all") {
    this.#core = new Core(saved, device, focus);
  }

  // Getters.

  /** This installation. */
  get device(): DeviceId {
    return this.#core.meta.device as DeviceId;
  }

  /** From the last welcome, for the next hello. */
  get resume(): Uint8Array {
    return this.#core.meta.resume;
  }

  /** The user, once known. */
  get me(): UserId | undefined {
    return this.#core.meta.user;
  }

  /** Which events a connection gets. */
  get focus(): Focus {
    return this.#core.focus;
  }

  /** The rooms, newest first. */
  get rooms(): readonly RoomSummary[] {
    return this.#core.rooms.items;
  }

  /** A room on one line. */
  room(room: RoomId): RoomSummary | undefined {
    return this.#core.rooms.summary(room);
  }

  /** All that is known of a room. */
  record(room: RoomId): Readonly<RoomRecord> | undefined {
    return this.#core.rooms.get(room);
  }

  /** What belongs to the whole client: whose it is, what they want, of whom they want to hear nothing. */
  get meta(): Readonly<Meta> {
    return this.#core.meta;
  }

  /** The server's time as far as known, Unix milliseconds. */
  serverMs(now: Now): number {
    return this.#core.serverMs(now);
  }

  /** How many things wait to be sent. */
  get outboxSize(): number {
    return this.#core.outbox.size;
  }

  /** Whether everything that happened while the client was away is known. */
  get isSynced(): boolean {
    return this.#core.session?.isSynced ?? false;
  }

  /** The number that the next batch of writes will have. */
  get nextWritesNo(): number {
    return this.#core.nextWritesNo;
  }

  /** An open timeline. */
  timeline(scope: Scope): Timeline | undefined {
    return this.#core.timelines.get(scopeKey(scope))?.timeline;
  }

  /** What is known of a user who is watched. */
  presence(user: UserId): UserPresence | undefined {
    return this.#core.presences.watched.get(user)?.known;
  }

  // Inputs.

  /** A connection was welcomed, in place of the one before if there is one. Throws `Malformed`. */
  handleWelcome(welcome: Welcome, now: Now): void {
    handleWelcome(this.#core, welcome, now);
  }

  /** The connection is gone. */
  handleDisconnected(): void {
    handleDisconnected(this.#core);
  }

  /** The answer to a call. */
  handleReply(id: number, result: CallResult, now: Now): void {
    handleReply(this.#core, id, result, now);
  }

  /** Something live. */
  handleLive(live: Live, now: Now): void {
    handleLive(this.#core, live, now);
  }

  /** Something a bulk lane says. */
  handleBulk(id: number, bulk: Bulk, now: Now): void {
    handleBulk(this.#core, id, bulk, now);
  }

  /** A bulk lane was cut off, or couldn't be opened. */
  handleBulkCut(id: number, now: Now): void {
    handleBulkCut(this.#core, id, now);
  }

  /** What the cache has; an unreadable cache has nothing. */
  handleLoaded(id: number, runs: Run[]): void {
    handleLoaded(this.#core, id, runs);
  }

  /** The time of `timeoutMs` has come. */
  handleTimeout(now: Now): void {
    const core = this.#core;
    core.rooms.handleTimeout(now);
    handleExpiryTimeout(core, now);
    if (core.session) {
      if (isDue(core, "syncMs", now)) startSync(core);
      if (isDue(core, "repairMs", now)) repairAll(core);
      if (isDue(core, "recountMs", now)) {
        recount(core);
        recountThreads(core, now);
      }
    }
    handlePresenceTimeout(core, now);
    sendOutbox(core, now);
  }

  // Commands.

  /** Makes a call, now or once there is a connection, and again if its answer is lost. `undefined`: too many. */
  call(request: Request): number | undefined {
    return this.#core.calls.size < CALLS_WAITING_MAX ? callForApp(this.#core, request) : undefined;
  }

  /** The answer to a call isn't wanted any more. */
  cancel(id: number): void {
    cancelCall(this.#core, id);
  }

  /** Makes a bulk call; the notice `answered` comes with the whole answer. `undefined`: too many. */
  ask(request: Request): number | undefined {
    return ask(this.#core, request);
  }

  /** The answer to a bulk call isn't wanted any more. */
  stopAsking(id: number): void {
    stopAsking(this.#core, id);
  }

  /** Puts something into the outbox. `random`, ten bytes, makes its ref. `undefined`: the outbox is full. */
  send(room: RoomId, payload: Payload, random: Uint8Array, now: Now, waitMs?: number): ClientRef | undefined {
    return send(this.#core, room, payload, random, now, waitMs);
  }

  /** Sends a failed entry again. */
  retry(clientRef: ClientRef, now: Now): void {
    retry(this.#core, clientRef, now);
  }

  /** Takes an entry out of the outbox. */
  discard(clientRef: ClientRef, now: Now): void {
    discard(this.#core, clientRef, now);
  }

  /** Gives a message that was never sent another text; `false` when it may have been sent. */
  rewrite(clientRef: ClientRef, text: string): boolean {
    return rewrite(this.#core, clientRef, text);
  }

  /** Gives an entry a new ref after the notice `ref-expired`. */
  renewRef(clientRef: ClientRef, random: Uint8Array, now: Now): ClientRef | undefined {
    return renewRef(this.#core, clientRef, random, now);
  }

  /** Everything up to `seq` is read. */
  markRead(room: RoomId, seq: number): void {
    markRead(this.#core, room, seq);
  }

  /** The user is typing, or has stopped. */
  typing(room: RoomId, active: boolean, now: Now): void {
    typing(this.#core, room, active, now);
  }

  /** Opens a timeline; the notice `opened` comes when what the cache has is there. */
  openTimeline(scope: Scope): void {
    openTimeline(this.#core, scope);
  }

  /** Nobody looks at a timeline any more. */
  closeTimeline(scope: Scope): void {
    closeTimeline(this.#core, scope);
  }

  /** Adds a page before what is shown; the notice `paged` comes when it is there. */
  loadOlder(scope: Scope, limit: number): void {
    loadOlder(this.#core, scope, limit);
  }

  /** There is no connection and none on its way. */
  stopPaging(): void {
    stopPaging(this.#core);
  }

  /** What the user does at this device. */
  setActivity(activity: Activity, now: Now): void {
    setActivity(this.#core, activity, now);
  }

  /** Watches these users, once more where they are watched already; `false` when they would be too many. */
  watchPresence(users: readonly UserId[], now: Now): boolean {
    return watchPresence(this.#core, users, now);
  }

  /** Watches these users once less. */
  unwatchPresence(users: readonly UserId[], now: Now): void {
    unwatchPresence(this.#core, users, now);
  }

  // Outputs.

  /** What to do next, in order. */
  takeActions(): Action[] {
    const { actions } = this.#core;
    this.#core.actions = [];
    return actions;
  }

  /** What to tell the application next, in order. */
  takeNotices(): Notice[] {
    const { notices } = this.#core;
    this.#core.notices = [];
    return notices;
  }

  /** Changes for the cache, to be committed at once and in order, and their number. */
  takeWrites(): { number: number; writes: Write[] } | undefined {
    return this.#core.takeWrites();
  }

  /** Changes never came to the cache: what it has isn't built on any more. */
  loseCache(): void {
    loseCache(this.#core);
  }

  /** All that the cache is to have is written next, in place of whatever it has. */
  writeAnew(): void {
    writeAnew(this.#core);
  }

  /** Changes of the list of rooms since the last call. */
  takeRoomDiffs(): Diff<RoomSummary>[] {
    return this.#core.rooms.takeDiffs();
  }

  /** Changes of open timelines since the last call. */
  takeTimelineDiffs(): { timeline: Timeline; diffs: Diff<Item>[] }[] {
    const changes = [...this.#core.timelines.values()].map(({ timeline }) => ({
      timeline,
      diffs: timeline.takeDiffs(),
    }));
    return changes.filter(({ diffs }) => diffs.length > 0);
  }

  /** What has changed of those whose presence is watched since the last call. */
  takePresenceChanges(): UserPresence[] {
    return this.#core.presences.takeChanges();
  }

  /** When `handleTimeout` is due, in elapsed milliseconds. */
  get timeoutMs(): number {
    const { rooms, expiring, outbox, presences, session, syncMs, repairMs, recountMs } = this.#core;
    const always = Math.min(rooms.timeoutMs, expiring.lookMs);
    if (!session) return always;
    const sendMs = maySend(this.#core) ? outbox.timeoutMs : NEVER;
    return Math.min(always, sendMs, syncMs, repairMs, recountMs, presences.sayMs, presences.askMs);
  }
}

/** Whether a time has come; it is over then. */
function isDue(core: Core, timer: "syncMs" | "repairMs" | "recountMs", now: Now): boolean {
  if (core[timer] > now.elapsedMs) return false;
  core[timer] = NEVER;
  return true;
}
