/** Unread counts by subtraction (PROTOCOL.md, section 9): what an event, a pulse or a marker changes about them. */

import { isCountable } from "../generated/events.js";
import * as Kind from "../generated/kinds.js";
import type { Marker, Unread } from "../generated/marker/v1/marker.js";
import type { EventHeader, RoomPulse } from "../generated/wire/v1/lanes.js";
import { idsOf, type UserId } from "../ids.js";
import { SEQ_MAX } from "../limits.js";
import type { LogEvent } from "./event.js";

/** The newest known place of a room's log and its counters there. */
export interface Head {
  /** The last event. */
  seq: number;
  /** When it happened; of a pulse, when the last whole event did. */
  atMs: number;
  /** Countable messages. */
  msgNo: number;
  /** Messages to everyone. */
  bcastNo: number;
  /** Deletes. */
  delNo: number;
}

/** Of a room of which nothing is known. */
export const NO_HEAD: Head = { seq: 0, atMs: 0, msgNo: 0, bcastNo: 0, delNo: 0 };

const NO_MARKER: Marker = { seq: 0, msgNo: 0, bcastNo: 0, setAtSeq: 0, atMs: 0 };

/** The head that an event's header or a digest tells. */
export function headOf(counters: Head | EventHeader): Head {
  const { seq, atMs, msgNo, bcastNo, delNo } = counters;
  return { seq: Math.min(seq, SEQ_MAX), atMs, msgNo, bcastNo, delNo };
}

/** The head a pulse tells; its time is the one known before. */
export function headOfPulse(pulse: RoomPulse, before: Head): Head {
  return headOf({ ...pulse, atMs: before.atMs });
}

/** The head of a room before an event of it. */
export function headBefore(event: LogEvent): Head {
  const head = headOf(event.header);
  const counts = isCountable(event.kind) && event.header.threadRootSeq === 0;
  head.seq -= 1;
  head.msgNo = minus(head.msgNo, Number(counts));
  head.bcastNo = minus(head.bcastNo, Number(counts && event.mentionsEveryone));
  head.delNo = minus(head.delNo, event.deleted.length);
  return head;
}

function minus(a: number, b: number): number {
  return Math.max(a - b, 0);
}

/** A user's marker in a room, or a thread, and what is unread after it. */
export class Counts {
  constructor(
    /** The server's marker. */
    public marker: Marker = NO_MARKER,
    unread: Partial<Unread> | undefined = {},
    /** The user's own last message; it may stand in for the marker. */
    public ownSeq = 0,
  ) {
    this.messages = unread.messages ?? 0;
    this.mentions = unread.mentions ?? 0;
  }

  /** Countable messages after the place in force, without deleted ones. */
  messages: number;
  /** Of those, the ones that mention the user or everyone. */
  mentions: number;
  /** The counts may be too high: the digest is to be read again. */
  isUncertain = false;
  /** The last event that was seen to mention the user, since the server has counted. */
  mentionSeq = 0;

  /** As it was saved: a cache keeps values, not methods. */
  static restore(saved: Counts): Counts {
    return Object.assign(new Counts(), saved);
  }

  /** Everything up to here counts as read. */
  get readSeq(): number {
    const { seq, setAtSeq } = this.marker;
    return this.ownSeq > seq && this.ownSeq > setAtSeq ? this.ownSeq : seq;
  }

  /**
   * The next event of the room's log, or of the thread whose counts these are. What stands in threads isn't
   * the room's to count, and mentions by somebody whom the user has blocked aren't.
   */
  handleEvent(event: LogEvent, me: UserId, isByBlocked: boolean): void {
    this.#handleDeletes(event);
    if (!isCountable(event.kind)) return;
    if (event.sender === me) {
      this.ownSeq = event.seq;
      if (this.readSeq === event.seq) return this.#clear();
    }
    if (event.seq <= this.readSeq || event.isErased) return;
    this.messages += 1;
    const isToMe = !isByBlocked && idsOf(event.header.mentions).includes(me);
    this.mentions += Number(isToMe || event.mentionsEveryone);
    if (isToMe) this.mentionSeq = event.seq;
  }

  #handleDeletes(event: LogEvent): void {
    const gone = event.deleted.filter((seq) => seq > this.readSeq).length;
    if (gone === 0) return;
    // Whether a deleted one mentioned somebody isn't known here, nor, of several, whether all were counted.
    const isDoubtful = event.kind === Kind.messagesDeleted && this.messages > 0;
    this.isUncertain ||= this.mentions > 0 || isDoubtful;
    this.messages = minus(this.messages, gone);
    this.mentions = Math.min(this.mentions, this.messages);
  }

  /** An event the counts already cover, read later: an own message among them still moves the place in force. */
  handleLateEvent(event: LogEvent, me: UserId, head: Head): void {
    if (!isCountable(event.kind) || event.sender !== me || event.seq <= this.readSeq) return;
    this.ownSeq = Math.max(this.ownSeq, event.seq);
    if (this.readSeq !== event.seq) return;
    this.messages = Math.min(this.messages, minus(head.msgNo, event.header.msgNo));
    this.mentions = Math.min(this.mentions, this.messages);
  }

  /** The room moved on without its events being seen. */
  handleJump(from: Head, to: Head): void {
    this.messages += minus(to.msgNo, from.msgNo);
    this.mentions += minus(to.bcastNo, from.bcastNo);
    this.isUncertain ||= to.delNo !== from.delNo && this.messages > 0;
  }

  /** The user wrote a message that isn't seen itself; `msgNo` is the room's there. */
  handleOwn(seq: number, msgNo: number, head: Head): void {
    if (seq <= this.readSeq) return;
    this.ownSeq = Math.max(this.ownSeq, seq);
    if (this.readSeq === seq) this.#countFrom(msgNo, head);
  }

  /**
   * The user's own log says that an event mentions them: was that counted? A head that told of it didn't say, and the
   * server counts it a moment after it tells of the event.
   */
  knowsMention(seq: number): boolean {
    return seq <= this.readSeq || seq === this.mentionSeq;
  }

  /** The counts may be too high: something of the room wasn't told. */
  doubt(): void {
    this.isUncertain ||= this.messages > 0;
  }

  #countFrom(msgNo: number, head: Head): void {
    this.messages = minus(head.msgNo, msgNo);
    this.isUncertain = this.messages > 0 && (head.delNo > 0 || this.mentions > 0);
    this.mentions = Math.min(this.mentions, this.messages);
  }

  /** The marker is at another place; the counts follow by subtraction. */
  handleMarker(marker: Marker, head: Head): void {
    if (isSame(marker, this.marker)) return;
    this.marker = marker;
    if (this.readSeq >= head.seq) this.#clear();
    else if (this.readSeq === marker.seq) this.#countFrom(marker.msgNo, head);
  }

  /** The answer to a change of the marker, with counts up to `asOf`. */
  handleAnswer(marker: Marker, unread: Unread | undefined, asOf: Head, head: Head): void {
    this.marker = marker;
    this.messages = unread?.messages ?? 0;
    this.mentions = unread?.mentions ?? 0;
    this.isUncertain = false;
    this.mentionSeq = 0;
    if (head.seq <= asOf.seq) return;
    // What came since is known as far as it was told: whose it is, and whether it mentions.
    this.handleJump(asOf, head);
    this.doubt();
  }

  /** Shows everything up to `seq` as read before the server has said so. */
  assumeRead(seq: number, head: Head): void {
    if (seq >= head.seq) this.messages = this.mentions = 0;
  }

  #clear(): void {
    this.messages = this.mentions = 0;
    this.isUncertain = false;
  }
}

function isSame(a: Marker, b: Marker): boolean {
  return (
    a.seq === b.seq &&
    a.msgNo === b.msgNo &&
    a.bcastNo === b.bcastNo &&
    a.setAtSeq === b.setAtSeq &&
    a.atMs === b.atMs
  );
}
