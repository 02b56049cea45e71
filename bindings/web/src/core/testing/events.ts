/** Events, rooms and errors for tests. */

import { encode, type Init, type MessageType } from "../../codec/message.js";
import * as Kind from "../../generated/kinds.js";
import { MessageEdited, MessagePosted } from "../../generated/message/v1/message.js";
import { ReactionAdded } from "../../generated/reaction/v1/reaction.js";
import {
  ErrorClass,
  type ErrorReason,
  type Retry,
  type Error as WireError,
} from "../../generated/wire/v1/error.js";
import { Event, type EventHeader } from "../../generated/wire/v1/lanes.js";
import { type ClientRef, fieldOf, type RoomId, type UserId } from "../../ids.js";
import type { Now } from "../../time.js";
import { LogEvent } from "../event.js";
import type { Entry, EntryState } from "../outbox.js";
import type { Payload } from "../payload.js";

/** The room of most tests. */
export const ROOM = id<RoomId>(1);
/** Another one. */
export const OTHER = id<RoomId>(2);
/** The user who runs the client. */
export const ME = id<UserId>(3);
/** Somebody else. */
export const YOU = id<UserId>(4);

/** An id out of a small number. */
export function id<Id extends string>(number: number): Id {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}` as Id;
}

/** A ref out of a small number. */
export function ref(number: number): ClientRef {
  return id<ClientRef>(1000 + number);
}

/** A place in time. */
export function at(ms: number): Now {
  return { unixMs: 1_700_000_000_000 + ms, elapsedMs: ms };
}

/** An event with a body of this type. */
export function event<T>(header: Init<EventHeader>, type?: MessageType<T>, body?: Init<T>): LogEvent {
  const bytes = type ? encode(type, body ?? ({} as Init<T>)) : undefined;
  return LogEvent.parse(encode(Event, { header: { atMs: 1000, ...header }, body: bytes }));
}

/** A message, by the other user unless it is said. */
export function posted(seq: number, text: string, header: Init<EventHeader> = {}): LogEvent {
  const whole = {
    seq,
    kind: Kind.messagePosted,
    sender: fieldOf(YOU),
    msgNo: seq,
    atMs: 1000 + seq,
    ...header,
  };
  return event(whole, MessagePosted, { text });
}

/** What a server refuses with. */
export function refusal(
  reason: (typeof ErrorReason)[keyof typeof ErrorReason],
  retry: (typeof Retry)[keyof typeof Retry],
  retryAfterMs = 0,
): WireError {
  return { class: ErrorClass.INTERNAL, reason, message: "", retry, retryAfterMs, violations: [] };
}

/** The same sequence of numbers in [0, 1) for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An own message as the log has it, with the ref it was sent under. */
export function echoed(seq: number, text: string, clientRef: ClientRef): LogEvent {
  return posted(seq, text, { sender: fieldOf(ME), clientRef: fieldOf(clientRef) });
}

/** Another text for a message. */
export function edited(seq: number, targetSeq: number, text: string): LogEvent {
  const header = { seq, kind: Kind.messageEdited, sender: fieldOf(YOU), targetSeq };
  return event(header, MessageEdited, { text });
}

/** The end of a message. */
export function deleted(seq: number, targetSeq: number): LogEvent {
  return event({ seq, kind: Kind.messageDeleted, sender: fieldOf(YOU), targetSeq });
}

/** An emoji put to a message, or taken off. */
export function reacted(seq: number, targetSeq: number, emoji: string, on = true, user = YOU): LogEvent {
  const kind = on ? Kind.reactionAdded : Kind.reactionWithdrawn;
  return event({ seq, kind, sender: fieldOf(user), targetSeq }, ReactionAdded, { emoji });
}

/** A pin put to a message, or taken off. */
export function pinned(seq: number, targetSeq: number, on = true): LogEvent {
  const kind = on ? Kind.messagePinned : Kind.messageUnpinned;
  return event({ seq, kind, sender: fieldOf(YOU), targetSeq });
}

/** A message of this text, as the outbox has it. */
export function post(text: string): Extract<Payload, { type: "post" }> {
  const body = encode(MessagePosted, { text });
  return {
    type: "post",
    body,
    mentions: [],
    mentionsEveryone: false,
    replyTo: 0,
    threadRoot: 0,
    attachments: [],
  };
}

/** A row of the outbox. */
export function entryOf(
  order: number,
  payload: Payload,
  state: EntryState = { type: "queued", notBeforeMs: 0 },
): Entry {
  const begun = { attempts: 0, chain: 0, refsReplaced: 0, state };
  return { order, room: ROOM, clientRef: ref(order), payload, createdMs: 5, afterSeq: 0, ...begun };
}
