/** The items of history reads, their events as the bytes they came as. */

import { decode } from "../../codec/message.js";
import type { PollState } from "../../generated/poll/v1/poll.js";
import { ReadLogItem, ReadTimelineItem } from "../../generated/sync/v1/sync.js";
import type { Thread } from "../../generated/thread/v1/thread.js";
import { SEQ_MAX } from "../../limits.js";
import { eventsIn, type LogEvent } from "../event.js";

/** A `ReadLogItem`. */
export interface LogItem {
  events: LogEvent[];
  /** The last number this item tells about. */
  coveredTo: number;
}

/** Reads a `ReadLogItem`. Throws `Malformed`. */
export function readLogItem(item: Uint8Array): LogItem {
  const { withheld, damaged } = decode(ReadLogItem, item);
  const events = eventsIn(1, item);
  const ends = [...withheld, ...damaged].map((range) => Math.min(range.toSeq, SEQ_MAX));
  return { events, coveredTo: Math.max(events.at(-1)?.seq ?? 0, ...ends) };
}

/** A `ReadTimelineItem` or `ReadThreadItem`, which have the same fields, or several of one page together. */
export class TimelinePage {
  events: LogEvent[] = [];
  amendments: LogEvent[] = [];
  /** What stands under some of them. */
  readonly threads: Thread[] = [];
  /** What was chosen in the polls among them. */
  readonly polls: PollState[] = [];
  asOfSeq = 0;
  isAtStart = false;
  /** Messages deleted since it was asked for. */
  readonly deleted = new Set<number>();

  /** Takes one item. Throws `Malformed`. */
  add(item: Uint8Array): void {
    const { asOfSeq, atStart, threads, polls } = decode(ReadTimelineItem, item);
    this.events.push(...eventsIn(1, item));
    this.amendments.push(...eventsIn(2, item));
    this.threads.push(...threads);
    this.polls.push(...polls);
    this.asOfSeq = Math.max(this.asOfSeq, asOfSeq);
    this.isAtStart ||= atStart;
  }

  /** The first number this page tells about, when it ends before `before`. */
  from(before: number): number {
    return this.isAtStart ? 1 : Math.min(before, ...this.events.map((event) => event.seq));
  }

  /** All of it is here: brought into order, without the bodies of what is deleted by now. */
  finish(): void {
    const later = (event: LogEvent) =>
      !event.isErased && event.goesWith(this.deleted) ? event.erased() : event;
    // Pieces of one page may come newest first.
    this.events = inOrder(this.events.map(later));
    this.amendments = inOrder(this.amendments.map(later));
  }
}

/** Events by their numbers. */
export function inOrder(events: LogEvent[]): LogEvent[] {
  return events.sort((a, b) => a.seq - b.seq);
}
