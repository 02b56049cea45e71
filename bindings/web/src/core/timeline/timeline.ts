/**
 * A room's timeline: the fold of its events and of what waits in the outbox, as an observable list. Events
 * may come in any order and more than once; the result is the same.
 */

import { decode } from "../../codec/message.js";
import * as Kind from "../../generated/kinds.js";
import { MessagePosted } from "../../generated/message/v1/message.js";
import type { Thread } from "../../generated/thread/v1/thread.js";
import { idsOf, type RoomId, type UserId } from "../../ids.js";
import { TIMELINE_ITEMS_MAX } from "../../limits.js";
import { NEVER } from "../../time.js";
import { type Diff, search } from "../diff.js";
import type { LogEvent } from "../event.js";
import type { Entry, EntryState } from "../outbox.js";
import { newPoll, type PollRecord, tallyOf } from "../polls.js";
import { type Change, Fold } from "./fold.js";
import {
  attachmentsOf,
  comparePlaces,
  type Delivery,
  type Item,
  type MessageItem,
  type Place,
  SENT,
} from "./item.js";
import { covers, type Scope } from "./threads.js";

/** The observable list of one room, or of one of its threads. */
export class Timeline {
  #me: UserId | undefined;
  #fold = new Fold();
  /** Messages of the outbox, and those that were acknowledged and aren't in the log yet, by order. */
  readonly #echoes = new Map<number, MessageItem>();
  #shown: Item[] = [];
  #diffs: Diff<Item>[] = [];
  #firstSeq = NEVER;
  #hasStart = false;

  /** An empty timeline. `me` isn't known before the first connection ever. */
  constructor(
    readonly scope: Scope,
    me: UserId | undefined,
  ) {
    this.#me = me;
  }

  /** Everything, oldest first. */
  get items(): readonly Item[] {
    return this.#shown;
  }

  /** The first event shown; `NEVER` when none is. What is before may be loaded. */
  get from(): number {
    return this.#firstSeq;
  }

  /** Whether nothing comes before what is shown. */
  get isAtStart(): boolean {
    return this.#hasStart || this.#firstSeq === 1;
  }

  /** The changes since the last call. */
  takeDiffs(): Diff<Item>[] {
    const diffs = this.#diffs;
    this.#diffs = [];
    return diffs;
  }

  get #isThread(): boolean {
    return this.scope.root > 0;
  }

  // Inputs.

  /** The user is known now. */
  setMe(me: UserId): void {
    if (this.#me === me) return;
    this.#me = me;
    for (const echo of [...this.#echoes.values()]) this.#putEcho({ ...echo, sender: me });
  }

  /** The next events of the log. */
  handleLive(events: readonly LogEvent[]): void {
    for (const event of events) {
      if (!covers(this.scope, event)) continue;
      this.#firstSeq = Math.min(this.#firstSeq, event.seq);
      this.#apply(event);
    }
    this.#trim();
  }

  /** The message's time is over. */
  handleExpired(seq: number): void {
    if (this.#fold.has(seq)) this.#show(this.#fold.delete(seq, seq));
  }

  /** A page before what is shown, from `from` on, with the later events that amend it. */
  handleOlder(
    from: number,
    events: readonly LogEvent[],
    amendments: readonly LogEvent[],
    isAtStart: boolean,
  ): void {
    // Amendments first, so that each message appears as it is now.
    for (const event of [...amendments, ...[...events].reverse()]) this.#apply(event);
    this.#firstSeq = Math.min(this.#firstSeq, from);
    this.#hasStart ||= isAtStart;
  }

  /** What is shown has a gap to the newest events: start over from these. */
  handleReset(
    from: number,
    events: readonly LogEvent[],
    amendments: readonly LogEvent[],
    isAtStart: boolean,
  ): void {
    this.#fold = this.#fold.startOver();
    this.#shown = [];
    this.#firstSeq = NEVER;
    this.#hasStart = false;
    for (const [order, echo] of [...this.#echoes]) {
      // One that was acknowledged is in the log now, be it on this page or before it.
      if (echo.delivery.state === "sent") this.#echoes.delete(order);
      else this.#put(echo);
    }
    this.handleOlder(from, events, amendments, isAtStart);
    this.#diffs = [{ type: "reset", items: [...this.#shown] }];
  }

  /** Nothing is known of the room any more. */
  handleForgotten(): void {
    this.handleReset(NEVER, [], [], false);
  }

  /** What the server says of the threads under messages. */
  handleThreads(threads: readonly Thread[]): void {
    if (!this.#isThread) for (const thread of threads) this.#show(this.#fold.learnThread(thread));
  }

  /** What is known of some polls. */
  handlePolls(polls: readonly PollRecord[]): void {
    for (const poll of polls) this.#show(this.#fold.learnPoll(poll));
  }

  /** Polls shown whose results aren't known, or old. */
  pollsInDoubt(): number[] {
    return this.#fold.pollsInDoubt();
  }

  /** A row of the outbox is new or got further. */
  handleOutbox(entry: Entry): void {
    const delivery = deliveryOf(entry.state);
    const { payload } = entry;
    if (payload.type !== "post") this.#show(this.#fold.put(entry, delivery));
    else if (payload.threadRoot === this.scope.root) {
      this.#putEcho(echoOf(entry, this.scope.room, this.#me, delivery));
    }
  }

  /** A row of the outbox was acknowledged at this place, which the log may reach later. */
  handleSent(entry: Entry, seq: number, atMs: number): void {
    if (entry.payload.type !== "post") return this.#show(this.#fold.settle(entry, seq, this.#me));
    // Or it stands before what is shown: a client whose cache took too little sent it once more.
    const isBefore = seq < this.#firstSeq && this.#firstSeq < NEVER;
    if (isBefore || this.#fold.has(seq)) return this.#removeEcho(entry.order);
    const echo = this.#echoes.get(entry.order);
    if (echo) this.#putEcho({ ...echo, atMs, delivery: SENT });
  }

  /** A row of the outbox is gone without having been sent. */
  handleDiscarded(entry: Entry): void {
    if (entry.payload.type === "post") this.#removeEcho(entry.order);
    else this.#show(this.#fold.drop(entry));
  }

  // The list.

  #apply(event: LogEvent): void {
    if (!covers(this.scope, event)) return;
    if (!this.#isThread && event.header.threadRootSeq > 0) return this.#show(this.#fold.applyToThread(event));
    if (event.kind === Kind.messagesDeleted) {
      for (const target of event.deleted) {
        // A thread shows few of the room's.
        if (!this.#isThread || this.#fold.has(target)) this.#show(this.#fold.delete(target, event.seq));
      }
      return;
    }
    const order = this.#echoOfEvent(event);
    const change = this.#fold.apply(event);
    if (order === undefined) this.#show(change);
    else if (change === undefined) this.#removeEcho(order);
    else this.#replaceEcho(order, change);
  }

  #echoOfEvent(event: LogEvent): number | undefined {
    const { clientRef, sender } = event;
    if (clientRef === undefined || sender !== this.#me) return undefined;
    for (const [order, echo] of this.#echoes) if (echo.clientRef === clientRef) return order;
    return undefined;
  }

  /** The log has what an echo stood for: in place where nothing stands between. */
  #replaceEcho(order: number, seq: number): void {
    this.#echoes.delete(order);
    const item = this.#fold.item(this.scope.room, seq, this.#me);
    if (item === undefined) return;
    const at = this.#find({ in: "outbox", number: order });
    const to = this.#find(item.place);
    if (at >= 0 && -1 - to === at) {
      this.#shown[at] = item;
      this.#diffs.push({ type: "update", index: at, item });
      return;
    }
    if (at >= 0) this.#removeAt(at);
    this.#put(item);
  }

  #show(change: Change): void {
    const item = change === undefined ? undefined : this.#fold.item(this.scope.room, change, this.#me);
    if (item) this.#put(item);
  }

  #putEcho(echo: MessageItem): void {
    this.#echoes.set(echo.place.number, echo);
    this.#put(echo);
  }

  #put(item: Item): void {
    const found = this.#find(item.place);
    const index = found < 0 ? -1 - found : found;
    if (found < 0) this.#shown.splice(index, 0, item);
    else if (isSame(this.#shown[index], item)) return;
    else this.#shown[index] = item;
    this.#diffs.push({ type: found < 0 ? "insert" : "update", index, item });
  }

  #removeEcho(order: number): void {
    this.#echoes.delete(order);
    const at = this.#find({ in: "outbox", number: order });
    if (at >= 0) this.#removeAt(at);
  }

  #removeAt(index: number): void {
    this.#shown.splice(index, 1);
    this.#diffs.push({ type: "remove", index });
  }

  #find(place: Place): number {
    return search(this.#shown.length, (at) => comparePlaces(this.#shown[at]?.place ?? place, place));
  }

  /** A list that is never paged doesn't grow for ever. */
  #trim(): void {
    while (this.#shown.length > TIMELINE_ITEMS_MAX) {
      const place = this.#shown[0]?.place;
      if (place?.in !== "log") return;
      this.#removeAt(0);
      this.#fold.forgetTo(place.number);
      this.#firstSeq = place.number + 1;
      this.#hasStart = false;
    }
  }
}

/** Messages of a room as they are by now, of which events and amendments came outside of its timeline. */
export function itemsOf(
  room: RoomId,
  me: UserId | undefined,
  events: readonly LogEvent[],
  amendments: readonly LogEvent[],
): Item[] {
  // Each where it stands, be it the room or a thread.
  const roots = new Set(events.map((event) => event.header.threadRootSeq));
  return [...roots]
    .sort((a, b) => a - b)
    .flatMap((root) => {
      const here = events.filter((event) => event.header.threadRootSeq === root);
      const timeline = new Timeline({ room, root }, me);
      timeline.handleOlder(1, here, amendments, true);
      return timeline.items;
    });
}

function deliveryOf(state: EntryState): Delivery {
  if (state.type === "failed") return { state: "failed", error: state.error };
  return { state: state.type === "queued" || state.type === "held" ? "queued" : "sending" };
}

/** A message of the outbox as it is shown. */
function echoOf(entry: Entry, room: RoomId, sender: UserId | undefined, delivery: Delivery): MessageItem {
  const { payload } = entry;
  if (payload.type !== "post") throw new Error("only messages are shown by themselves");
  const posted = decode(MessagePosted, payload.body);
  const poll = posted.poll && {
    asked: posted.poll,
    tally: tallyOf(newPoll(0, posted.poll.options.length), []),
    own: [],
    isClosed: false,
  };
  return {
    type: "message",
    room,
    place: { in: "outbox", number: entry.order },
    sender,
    atMs: entry.createdMs,
    expiresAtMs: undefined,
    text: posted.text,
    attachments: attachmentsOf(posted.attachments),
    poll,
    components: posted.components,
    isEdited: false,
    isDeleted: false,
    mentions: payload.mentions,
    mentionsEveryone: payload.mentionsEveryone,
    mentionGroups: idsOf<RoomId>(posted.mentionGroups),
    replyTo: payload.replyTo || undefined,
    threadRoot: payload.threadRoot || undefined,
    thread: undefined,
    reactions: [],
    linkPreviews: [],
    isPinned: false,
    clientRef: entry.clientRef,
    pending: undefined,
    delivery,
  };
}

/** Whether two plain values are the same, all the way down. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) =>
    isSame((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  );
}
