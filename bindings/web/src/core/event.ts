/**
 * Log entries as they came: the header is read, the bytes are kept and never written anew, since what
 * this version doesn't know would be lost.
 */

import { decodeBody } from "../codec/bodies.js";
import { decode, encode, type MessageType } from "../codec/message.js";
import { Malformed, Reader, Writer } from "../codec/wire.js";
import { type RoomEventBody, roomEvents, type UserEventBody, userEvents } from "../generated/events.js";
import * as Kind from "../generated/kinds.js";
import { Event, type EventHeader } from "../generated/wire/v1/lanes.js";
import { type ClientRef, idOf, type RoomId, type UserId } from "../ids.js";
import { SEQ_MAX } from "../limits.js";

const FLAG_EVERYONE = 1;
const FLAG_ERASED = 2;

/** One entry of a log. */
export class LogEvent {
  private constructor(
    /** What the server says about it. */
    readonly header: EventHeader,
    /** The message its kind names; empty when it was deleted. */
    readonly body: Uint8Array,
    /** The whole `Event` message as it came. */
    readonly raw: Uint8Array,
  ) {}

  /** Reads an `Event` message. Throws `Malformed`. */
  static parse(bytes: Uint8Array): LogEvent {
    // A copy: a view would keep all of the frame it came in.
    const raw = bytes.slice();
    const { header, body } = decode(Event, raw);
    if (header === undefined || header.seq === 0 || header.seq > SEQ_MAX) throw new Malformed();
    return new LogEvent(header, body, raw);
  }

  /** Its place in the log. */
  get seq(): number {
    return this.header.seq;
  }

  /** Which message its body is. */
  get kind(): number {
    return this.header.kind;
  }

  /** Who caused it, if the header says so. */
  get sender(): UserId | undefined {
    return idOf<UserId>(this.header.sender);
  }

  /** The sender's own id for it, if it has one. */
  get clientRef(): ClientRef | undefined {
    return idOf<ClientRef>(this.header.clientRef);
  }

  /** Whether it mentions everyone. */
  get mentionsEveryone(): boolean {
    return (this.header.flags & FLAG_EVERYONE) !== 0;
  }

  /** Whether its body is gone. */
  get isErased(): boolean {
    return (this.header.flags & FLAG_ERASED) !== 0;
  }

  /** The messages that it deletes. */
  get deleted(): readonly number[] {
    if (this.kind === Kind.messageDeleted) return [this.header.targetSeq];
    return this.kind === Kind.messagesDeleted ? this.header.targetSeqs : [];
  }

  /**
   * Whether its body goes when these messages are deleted: it is one of them, or an edit of one, or says
   * what is behind its links.
   */
  goesWith(deleted: ReadonlySet<number>): boolean {
    const amends = this.kind === Kind.messageEdited || this.kind === Kind.linkPreviewsAdded;
    return deleted.has(this.seq) || (amends && deleted.has(this.header.targetSeq));
  }

  /** What it says, in a room's log. */
  roomBody(): RoomEventBody {
    return decodeBody(roomEvents, this.kind, this.body);
  }

  /** What it says, in the user's own log. */
  userBody(): UserEventBody {
    return decodeBody(userEvents, this.kind, this.body);
  }

  /** Its body as a message of this type; an unreadable one is empty. */
  bodyAs<T>(type: MessageType<T>): T {
    try {
      return decode(type, this.body);
    } catch {
      return decode(type, new Uint8Array(0));
    }
  }

  /** The same event after its deletion: flagged, without its body. */
  erased(): LogEvent {
    const header = { ...this.header, flags: this.header.flags | FLAG_ERASED };
    const body = new Uint8Array(0);
    return new LogEvent(header, body, encode(Event, { header, body }));
  }
}

/** All messages that these events delete. */
export function deletedBy(events: Iterable<LogEvent>): Set<number> {
  const seqs = new Set<number>();
  for (const event of events) for (const seq of event.deleted) seqs.add(seq);
  return seqs;
}

/** The raw bytes of every submessage with this field number, in order. Other fields are passed over. */
export function submessages(number: number, message: Uint8Array): Uint8Array[] {
  const reader = new Reader(message);
  const found: Uint8Array[] = [];
  while (reader.hasMore) {
    const [field, wire] = reader.key();
    if (field === number && wire === 2) found.push(reader.delimited());
    else reader.skip(field, wire);
  }
  return found;
}

/** The events in a field of a message, their bytes as they came. */
export function eventsIn(number: number, message: Uint8Array): LogEvent[] {
  return submessages(number, message).map((raw) => LogEvent.parse(raw));
}

/** Events one after the other, each behind its length. */
export function pack(events: readonly LogEvent[]): Uint8Array {
  const writer = new Writer();
  for (const event of events) writer.delimited(event.raw);
  return writer.finish();
}

/** What `pack` made. */
export function unpack(packed: Uint8Array): LogEvent[] {
  const reader = new Reader(packed);
  const events: LogEvent[] = [];
  while (reader.hasMore) events.push(LogEvent.parse(reader.delimited()));
  return events;
}

/** The room that a field names. Throws `Malformed`. */
export function roomIn(field: Uint8Array | undefined): RoomId {
  const room = idOf(field);
  if (room === undefined) throw new Malformed();
  return room;
}
