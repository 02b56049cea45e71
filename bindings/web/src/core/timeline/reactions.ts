/** What people put to messages: of one user's events about one emoji the newest counts, in whatever order. */

import * as Kind from "../../generated/kinds.js";
import { ReactionAdded, ReactionWithdrawn } from "../../generated/reaction/v1/reaction.js";
import type { ClientRef, UserId } from "../../ids.js";
import type { LogEvent } from "../event.js";
import { bound, forgetTo } from "./bounded.js";
import type { Reaction } from "./item.js";

/** The emoji of a reaction, and whether it is put there or taken off; `undefined` for other events. */
export function reactionOf(event: LogEvent): { emoji: string; on: boolean } | undefined {
  if (event.kind === Kind.reactionAdded) return { ...event.bodyAs(ReactionAdded), on: true };
  return event.kind === Kind.reactionWithdrawn
    ? { ...event.bodyAs(ReactionWithdrawn), on: false }
    : undefined;
}

/** By emoji, then by user: the newest event and what it says. */
type ToOne = Map<string, Map<UserId, { seq: number; on: boolean }>>;

/** All that is known of reactions. */
export class Reactions {
  readonly #known = new Map<number, ToOne>();
  /** The user's own that the server doesn't have yet, by message, then by emoji. */
  readonly #pending = new Map<number, Map<string, { clientRef: ClientRef; on: boolean }>>();

  /** Takes in an event; whether it says anything new. */
  apply(target: number, emoji: string, user: UserId, seq: number, on: boolean, max: number): boolean {
    const users = within(within(this.#known, target), emoji);
    if ((users.get(user)?.seq ?? 0) >= seq) return false;
    users.set(user, { seq, on });
    bound(this.#known, max);
    return true;
  }

  /** The user did something that isn't sent yet. Of two the later one is shown. */
  putPending(target: number, emoji: string, clientRef: ClientRef, on: boolean): void {
    within(this.#pending, target).set(emoji, { clientRef, on });
  }

  /** It won't be sent, or it was. */
  dropPending(target: number, emoji: string, clientRef: ClientRef): void {
    const pending = this.#pending.get(target);
    if (pending?.get(emoji)?.clientRef === clientRef) pending.delete(emoji);
  }

  /** Forgets everything up to this number. */
  forgetTo(seq: number): void {
    forgetTo(this.#known, seq);
  }

  /** What is to be seen at a message. */
  shown(target: number, me: UserId | undefined): Reaction[] {
    const shown = new Map<string, UserId[]>();
    for (const [emoji, users] of this.#known.get(target) ?? []) {
      const on = [...users].filter(([, newest]) => newest.on).map(([user]) => user);
      shown.set(emoji, on.sort());
    }
    for (const [emoji, { on }] of this.#pending.get(target) ?? []) {
      if (me === undefined) break;
      const others = (shown.get(emoji) ?? []).filter((user) => user !== me);
      shown.set(emoji, on ? [...others, me] : others);
    }
    const some = [...shown].filter(([, users]) => users.length > 0);
    some.sort(([a], [b]) => (a < b ? -1 : 1));
    return some.map(([emoji, users]) => ({ emoji, users }));
  }
}

/** The map under a key, which is made if it isn't there. */
function within<Key, Inner, Value>(outer: Map<Key, Map<Inner, Value>>, key: Key): Map<Inner, Value> {
  const known = outer.get(key) ?? new Map<Inner, Value>();
  outer.set(key, known);
  return known;
}
