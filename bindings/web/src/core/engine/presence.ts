/**
 * Presence: what this device says, again and again while it holds, and whom it watches. Both are told to
 * each new connection.
 */

import { decode } from "../../codec/message.js";
import { type PresenceUpdate, WatchPresenceResponse } from "../../generated/presence/v1/presence.js";
import { SetPresence, WatchPresence } from "../../generated/rpc.js";
import { Retry, type Error as WireError } from "../../generated/wire/v1/error.js";
import { fieldOf, type UserId } from "../../ids.js";
import {
  PRESENCE_AFTER_ERROR_MS,
  PRESENCE_AGAIN_EVERY_MS,
  PRESENCE_WATCHED_MAX,
  PRESENCE_WATCHED_PER_CALL_MAX,
} from "../../limits.js";
import { NEVER, type Now } from "../../time.js";
import type { CallResult } from "../connection.js";
import { ACTIVITIES, type Activity, presenceOf, type UserPresence, unknownPresence } from "../presence.js";
import type { Core } from "./core.js";

interface Watched {
  /** How many lists they are in. */
  lists: number;
  /** Whether the present connection has been asked about them. */
  isAsked: boolean;
  /** As of which update of the present connection it is known. */
  asOf: number;
  known: UserPresence;
}

/** What was said and who is watched. */
export class Presences {
  said: Activity | undefined;
  sayMs = NEVER;
  askMs = NEVER;
  readonly watched = new Map<UserId, Watched>();
  /** Nobody watches them any more, and the server doesn't know it. */
  readonly gone = new Set<UserId>();
  readonly changed = new Set<UserId>();

  /**
   * Learns what an answer or an update says. They come on different lanes: an answer is newer than the update
   * with its number, and older than the next.
   */
  learn(presence: UserPresence | undefined, asOf: number, isAnswer: boolean): void {
    const watched = presence && this.watched.get(presence.user);
    if (!watched || asOf < watched.asOf || (asOf === watched.asOf && !isAnswer)) return;
    watched.asOf = asOf;
    if (JSON.stringify(watched.known) === JSON.stringify(presence)) return;
    watched.known = presence;
    this.changed.add(presence.user);
  }

  /** What has changed of those who are watched since the last call. */
  takeChanges(): UserPresence[] {
    const changed = [...this.changed].flatMap((user) => this.watched.get(user)?.known ?? []);
    this.changed.clear();
    return changed;
  }
}

/** What the user does at this device. May be called at every touch: what need not be said isn't. */
export function setActivity(core: Core, activity: Activity, now: Now): void {
  if (core.presences.said === activity) return;
  core.presences.said = activity;
  sayActivity(core, now);
}

/** Watches these users, once more where they are watched already; `false` when they would be too many. */
export function watchPresence(core: Core, users: readonly UserId[], now: Now): boolean {
  const { watched } = core.presences;
  const added = new Set(users.filter((user) => !watched.has(user)));
  if (watched.size + added.size > PRESENCE_WATCHED_MAX) return false;
  for (const user of added)
    watched.set(user, { lists: 0, isAsked: false, asOf: 0, known: unknownPresence(user) });
  for (const user of users) {
    const one = watched.get(user);
    if (one) one.lists += 1;
  }
  askPresence(core, now);
  return true;
}

/** Watches these users once less. */
export function unwatchPresence(core: Core, users: readonly UserId[], now: Now): void {
  const { watched, gone } = core.presences;
  for (const user of users) {
    const one = watched.get(user);
    if (!one) continue;
    one.lists -= 1;
    if (one.lists === 0 && watched.delete(user)) gone.add(user);
  }
  askPresence(core, now);
}

/** A new connection knows nothing of what was said on the one before. */
export function presenceConnected(core: Core, now: Now): void {
  core.presences.gone.clear();
  for (const watched of core.presences.watched.values()) Object.assign(watched, { isAsked: false, asOf: 0 });
  sayActivity(core, now);
  askPresence(core, now);
}

/** The connection is gone. */
export function presenceDisconnected(core: Core): void {
  core.presences.sayMs = core.presences.askMs = NEVER;
}

/** Others are known by the server that was, or to the user who was. */
export function forgetPresence(core: Core): void {
  for (const [user, watched] of core.presences.watched) {
    watched.known = unknownPresence(user);
    core.presences.changed.add(user);
  }
}

/** A time has come. */
export function handlePresenceTimeout(core: Core, now: Now): void {
  if (core.presences.sayMs <= now.elapsedMs) sayActivity(core, now);
  if (core.presences.askMs <= now.elapsedMs) askPresence(core, now);
}

/** Whom the server tells of. */
export function handlePresence(core: Core, update: PresenceUpdate): void {
  for (const presence of update.people) core.presences.learn(presenceOf(presence), update.asOf, false);
}

function sayActivity(core: Core, now: Now): void {
  const { presences } = core;
  if (presences.said === undefined || !core.session) return;
  const isRepeated = presences.said === "active" || presences.said === "idle";
  presences.sayMs = isRepeated ? now.elapsedMs + PRESENCE_AGAIN_EVERY_MS : NEVER;
  core.call("say", SetPresence, { activity: ACTIVITIES[presences.said] }, (result, then) => {
    const waitMs = result.ok ? undefined : waitAfter(result.error);
    if (waitMs !== undefined) presences.sayMs = Math.min(presences.sayMs, then.elapsedMs + waitMs);
  });
}

/** Asks about those of whom the connection doesn't know that they are watched. */
function askPresence(core: Core, now: Now): void {
  const { presences } = core;
  if (!core.session || (presences.askMs !== NEVER && presences.askMs > now.elapsedMs)) return;
  presences.askMs = NEVER;
  let gone = [...presences.gone];
  presences.gone.clear();
  const add = [...presences.watched].filter(([, watched]) => !watched.isAsked).map(([user]) => user);
  for (let at = 0; at < add.length || gone.length > 0; at += PRESENCE_WATCHED_PER_CALL_MAX) {
    callWatch(core, add.slice(at, at + PRESENCE_WATCHED_PER_CALL_MAX), gone);
    gone = [];
  }
}

function callWatch(core: Core, add: UserId[], remove: UserId[]): void {
  for (const user of add) {
    const watched = core.presences.watched.get(user);
    if (watched) watched.isAsked = true;
  }
  const request = { add: add.map(fieldOf), remove: remove.map(fieldOf) };
  core.call("watch", WatchPresence, request, (result, now) => handleWatched(core, add, remove, result, now));
}

function handleWatched(core: Core, asked: UserId[], gone: UserId[], result: CallResult, now: Now): void {
  const { presences } = core;
  if (result.ok) {
    const { people, asOf } = decode(WatchPresenceResponse, result.body);
    const found = people.map(presenceOf);
    for (const presence of found) presences.learn(presence, asOf, true);
    // Those whom the user may no longer know of.
    const seen = new Set(found.map((presence) => presence?.user));
    for (const user of asked) if (!seen.has(user)) presences.learn(unknownPresence(user), asOf, true);
    return;
  }
  const waitMs = waitAfter(result.error);
  if (waitMs === undefined) return;
  for (const user of asked) {
    const watched = presences.watched.get(user);
    if (watched) watched.isAsked = false;
  }
  for (const user of gone) presences.gone.add(user);
  presences.askMs = now.elapsedMs + waitMs;
}

/** How long to wait before the same is tried again; `undefined` where that would be in vain. */
function waitAfter(error: WireError): number | undefined {
  const isWorthIt = error.retry === Retry.SAME || error.retry === Retry.AFTER_DELAY;
  return isWorthIt ? Math.max(error.retryAfterMs, PRESENCE_AFTER_ERROR_MS) : undefined;
}
