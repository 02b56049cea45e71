/**
 * The fold: base events, for each the newest edit, whether it is deleted, and what people put to it. Nothing
 * here depends on the order in which events come.
 */

import { decode } from "../../codec/message.js";
import * as Kind from "../../generated/kinds.js";
import { MessageEdited, MessagePosted } from "../../generated/message/v1/message.js";
import type { Thread } from "../../generated/thread/v1/thread.js";
import { type ClientRef, idsOf, type RoomId, type UserId } from "../../ids.js";
import { PENDING_AMENDMENTS_MAX } from "../../limits.js";
import type { LogEvent } from "../event.js";
import type { Entry } from "../outbox.js";
import type { PollRecord } from "../polls.js";
import { bound, forgetTo } from "./bounded.js";
import { attachmentsOf, type Delivery, type Item, type MessageItem, SENT } from "./item.js";
import { Pins, pinOf } from "./pins.js";
import { isAboutPoll, Polls } from "./polls.js";
import { Previews, previewsOf } from "./previews.js";
import { Reactions, reactionOf } from "./reactions.js";
import { Threads } from "./threads.js";

/** What an input changes about the list: the item at this place is new or another; `undefined` for nothing. */
export type Change = number | undefined;

/** An own edit (`text`) or delete of a message that the server doesn't have yet. */
interface Overlay {
  clientRef: ClientRef;
  text: string | undefined;
  delivery: Delivery;
}

/** All that is known of the events shown. */
export class Fold {
  readonly #polls: Polls;
  readonly #base = new Map<number, LogEvent>();
  readonly #edits = new Map<number, { seq: number; edit: MessageEdited }>();
  readonly #deletes = new Map<number, number>();
  readonly #overlays = new Map<number, Overlay>();
  readonly #reactions = new Reactions();
  readonly #threads = new Threads();
  readonly #pins = new Pins();
  readonly #previews = new Previews();

  /** What was said of polls doesn't come again with the events: a fold that starts over keeps it. */
  constructor(polls: Polls = new Polls()) {
    this.#polls = polls;
  }

  /** Whether an event is shown. */
  has(seq: number): boolean {
    return this.#base.has(seq);
  }

  /** Nothing but what was said of polls. */
  startOver(): Fold {
    this.#polls.startOver();
    return new Fold(this.#polls);
  }

  get #max(): number {
    return this.#base.size + PENDING_AMENDMENTS_MAX;
  }

  // What the log says.

  /** An event of the log. */
  apply(event: LogEvent): Change {
    const target = event.header.targetSeq;
    if (event.kind === Kind.messageEdited) {
      // An erased edit belongs to a deleted message.
      return event.isErased ? undefined : this.#edit(target, event.seq, event.bodyAs(MessageEdited));
    }
    if (event.kind === Kind.messageDeleted) return this.delete(target, event.seq);
    const reaction = reactionOf(event);
    if (reaction) return this.#applyReaction(event, reaction.emoji, reaction.on);
    const pin = pinOf(event);
    if (pin !== undefined) return this.#pins.apply(target, event.seq, pin, this.#max) ? target : undefined;
    const said = previewsOf(event);
    if (said) {
      const isNew = !this.#deletes.has(target) && this.#previews.apply(target, said, this.#max);
      return isNew ? target : undefined;
    }
    return isAboutPoll(event) ? undefined : this.#insert(event);
  }

  #applyReaction(event: LogEvent, emoji: string, on: boolean): Change {
    const { sender, seq } = event;
    const target = event.header.targetSeq;
    const isNew = sender && this.#reactions.apply(target, emoji, sender, seq, on, this.#max);
    return isNew ? target : undefined;
  }

  /** An event of a thread, which isn't shown itself. */
  applyToThread(event: LogEvent): Change {
    return this.#threads.apply(event, this.#max) ? event.header.threadRootSeq : undefined;
  }

  /** What the server says of a thread. */
  learnThread(thread: Thread): Change {
    return this.#threads.learn(thread, this.#max) ? thread.rootSeq : undefined;
  }

  /** What is known of a poll. */
  learnPoll(record: PollRecord): Change {
    this.#polls.learn(record, this.#max);
    return record.seq;
  }

  /** Polls shown of which the server has to be asked. */
  pollsInDoubt(): number[] {
    return this.#polls.inDoubt().filter((seq) => !this.#deletes.has(seq));
  }

  #insert(event: LogEvent): Change {
    const known = this.#base.get(event.seq);
    // Of a message and its tombstone the tombstone is the later state.
    if (known && (known.isErased || !event.isErased)) return undefined;
    this.#polls.note(event);
    this.#base.set(event.seq, event);
    return event.seq;
  }

  #edit(target: number, seq: number, edit: MessageEdited): Change {
    if ((this.#edits.get(target)?.seq ?? 0) >= seq) return undefined;
    this.#edits.set(target, { seq, edit });
    bound(this.#edits, this.#max);
    return target;
  }

  /** A message is deleted, by the event at `seq`. */
  delete(target: number, seq: number): Change {
    this.#deletes.set(target, seq);
    this.#edits.delete(target);
    this.#previews.forget(target);
    const known = this.#base.get(target);
    if (known && !known.isErased) this.#base.set(target, known.erased());
    bound(this.#deletes, this.#max);
    return target;
  }

  /** Forgets everything up to this number. */
  forgetTo(seq: number): void {
    for (const known of [this.#base, this.#edits, this.#deletes]) forgetTo(known, seq);
    for (const part of [this.#reactions, this.#threads, this.#pins, this.#polls, this.#previews])
      part.forgetTo(seq);
  }

  // What the user has done that the server doesn't have yet. Of two the later one is shown.

  /** An own change of a message is queued, or got further. */
  put(entry: Entry, delivery: Delivery): Change {
    const { payload, clientRef } = entry;
    if (payload.type === "post") return undefined;
    const { target } = payload;
    if (payload.type === "edit" || payload.type === "delete") {
      const text = payload.type === "edit" ? editText(payload.body) : undefined;
      this.#overlays.set(target, { clientRef, text, delivery });
    } else if (delivery.state === "failed") {
      // Nobody wants to see an emoji or a vote that failed; it isn't there.
      return this.drop(entry);
    } else if (payload.type === "react") {
      this.#reactions.putPending(target, payload.emoji, clientRef, payload.on);
    } else if (payload.type === "pin") this.#pins.putPending(target, clientRef, payload.on);
    else if (payload.type === "vote") this.#polls.putVote(target, clientRef, payload.choices);
    else if (payload.type === "close-poll") this.#polls.putClose(target, clientRef);
    else this.#previews.putPending(target, clientRef);
    return target;
  }

  /** An own change won't reach the server, or it has. */
  drop({ payload, clientRef }: Entry): Change {
    if (payload.type === "post") return undefined;
    const { target } = payload;
    if (payload.type === "react") this.#reactions.dropPending(target, payload.emoji, clientRef);
    else if (payload.type === "pin") this.#pins.dropPending(target, clientRef);
    else if (payload.type === "vote") this.#polls.dropVote(target, clientRef);
    else if (payload.type === "close-poll") this.#polls.dropClose(target, clientRef);
    else if (payload.type === "hide-previews") this.#previews.dropPending(target, clientRef);
    else if (this.#overlays.get(target)?.clientRef === clientRef) this.#overlays.delete(target);
    return target;
  }

  /** The server took an own change at `seq`, or had it already (0): its event will say the same. */
  settle(entry: Entry, seq: number, me: UserId | undefined): Change {
    const { payload } = entry;
    this.drop(entry);
    if (payload.type === "post") return undefined;
    const { target } = payload;
    if (payload.type === "edit" && !this.#deletes.has(target)) {
      this.#edit(target, seq, { text: editText(payload.body), components: undefined });
    } else if (payload.type === "delete") this.delete(target, seq);
    else if (payload.type === "react" && me && seq > 0) {
      this.#reactions.apply(target, payload.emoji, me, seq, payload.on, this.#max);
    } else if (payload.type === "pin" && seq > 0) this.#pins.apply(target, seq, payload.on, this.#max);
    else if (payload.type === "hide-previews") this.#previews.apply(target, "hidden", this.#max);
    return target;
  }

  // What is to be seen.

  /** The item at a place. */
  item(room: RoomId, seq: number, me: UserId | undefined): Item | undefined {
    const event = this.#base.get(seq);
    if (event === undefined) return undefined;
    if (event.kind === Kind.messagePosted) return this.#message(event, room, me);
    const { sender, kind, header } = event;
    return {
      type: "notice",
      place: { in: "log", number: seq },
      atMs: header.atMs,
      sender,
      kind,
      body: event.roomBody(),
    };
  }

  #message(event: LogEvent, room: RoomId, me: UserId | undefined): MessageItem {
    const { seq, header } = event;
    const isErased = event.isErased || this.#deletes.has(seq);
    const overlay = isErased ? undefined : this.#overlays.get(seq);
    const isFailed = overlay?.delivery.state === "failed";
    const isDeleted = isErased || (overlay !== undefined && overlay.text === undefined && !isFailed);
    const edit = isErased ? undefined : this.#edits.get(seq);
    return {
      type: "message",
      room,
      place: { in: "log", number: seq },
      sender: event.sender,
      atMs: header.atMs,
      expiresAtMs: header.expiresAtMs || undefined,
      ...this.#content(event, isDeleted, edit, overlay),
      isEdited: edit !== undefined || overlay?.text !== undefined,
      isDeleted,
      mentions: idsOf(header.mentions),
      mentionsEveryone: event.mentionsEveryone,
      replyTo: header.targetSeq || undefined,
      threadRoot: header.threadRootSeq || undefined,
      thread: this.#threads.shown(seq),
      reactions: isDeleted ? [] : this.#reactions.shown(seq, me),
      linkPreviews:
        isDeleted || overlay?.text !== undefined ? [] : this.#previews.shown(seq, edit?.seq ?? seq),
      isPinned: !isDeleted && this.#pins.shown(seq),
      clientRef: event.clientRef,
      pending: overlay?.clientRef,
      delivery: overlay?.delivery ?? SENT,
    };
  }

  /** What a message says and carries. */
  #content(
    event: LogEvent,
    isDeleted: boolean,
    edit: { edit: MessageEdited } | undefined,
    overlay: Overlay | undefined,
  ): Pick<MessageItem, "text" | "attachments" | "poll" | "components" | "mentionGroups"> {
    if (isDeleted) {
      return { text: "", attachments: [], poll: undefined, components: undefined, mentionGroups: [] };
    }
    const posted = event.bodyAs(MessagePosted);
    return {
      text: overlay?.text ?? edit?.edit.text ?? posted.text,
      attachments: attachmentsOf(posted.attachments),
      poll: posted.poll && this.#polls.shown(event.seq, posted.poll),
      // An edit says all that is offered from then on.
      components: edit ? edit.edit.components : posted.components,
      mentionGroups: idsOf<RoomId>(posted.mentionGroups),
    };
  }
}

/** The text of an own edit, which was encoded here. */
function editText(body: Uint8Array): string {
  return decode(MessageEdited, body).text;
}
