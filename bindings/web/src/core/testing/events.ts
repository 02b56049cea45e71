/** Events, rooms and errors for tests. */

import { encode, type Init, type MessageType } from "../../codec/message.js";
import { Kind } from "../../generated/events.js";
import { MessagePosted } from "../../generated/message/v1/message.js";
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

/** Ids that are easy to tell apart. */
export const ROOM = id<RoomId>(1);
export const OTHER = id<RoomId>(2);
export const ME = id<UserId>(3);
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
