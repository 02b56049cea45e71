/** A timeline that begins elsewhere than at the newest messages: around one that somebody links to, or has searched for. */

import { encode } from "../codec/message.js";
import { Malformed } from "../codec/wire.js";
import { mapDiff } from "../core/diff.js";
import { TimelinePage } from "../core/engine/page.js";
import type { LogEvent } from "../core/event.js";
import { Timeline } from "../core/timeline/timeline.js";
import { ParlourError } from "../errors.js";
import * as Kind from "../generated/kinds.js";
import { ReadTimeline } from "../generated/rpc.js";
import { fieldOf } from "../ids.js";
import { EXCERPT_WAITING_MAX, PAGE_EVENTS } from "../limits.js";
import type { CallOptions } from "./call.js";
import { driverOf } from "./client.js";
import { lineOf, type TimelineItem } from "./message.js";
import { ObservableList } from "./observe.js";
import type { Room } from "./room.js";

/**
 * Some of a room's messages, oldest first, with what becomes of them; at the end of the log also those that come. It is
 * read from the server and has nothing of the outbox: to write, go to `Room.timeline`. `close` it after use.
 */
export class Excerpt extends ObservableList<TimelineItem> {
  readonly #timeline: Timeline;
  readonly #leave: () => void;
  readonly #gone = new AbortController();
  /** Everything from the timeline's first event up to here is known. */
  #to = 0;
  #isAtEnd = false;
  /** What came and may be shown once the end is reached. */
  #waiting: LogEvent[] = [];

  private constructor(
    /** The room. */
    readonly room: Room,
  ) {
    super();
    const driver = driverOf(room.client);
    this.#timeline = new Timeline({ room: room.id, root: 0 }, room.client.me);
    driver.adopt(this);
    this.#leave = driver.events.hear((news) => {
      if (news.room === room.id) this.#hear(news.events);
    });
  }

  /** @internal See `timelineAround`. */
  static async open(room: Room, seq: number, limit: number, options: CallOptions): Promise<Excerpt> {
    const excerpt = new Excerpt(room);
    try {
      // Half of it before the message, and half behind.
      await excerpt.#read(seq + Math.ceil(limit / 2), limit, options);
      return excerpt;
    } catch (error) {
      excerpt.close();
      throw error;
    }
  }

  /** Whether nothing comes before what is shown. */
  get isAtStart(): boolean {
    return this.#timeline.isAtStart;
  }

  /** Whether nothing comes behind it, but for what is new: that is added then. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Adds a page before the first item; `false` when nothing comes before it. */
  async loadOlder(limit: number = PAGE_EVENTS, options: CallOptions = {}): Promise<boolean> {
    if (!this.isAtStart) await this.#read(this.#timeline.from, limit, options);
    return !this.isAtStart;
  }

  /** Adds a page behind the last item; `false` when nothing comes behind it. */
  async loadNewer(limit: number = PAGE_EVENTS, options: CallOptions = {}): Promise<boolean> {
    const shown = this.items.length;
    // A stretch of the log may have nothing to show.
    while (!this.#isAtEnd && this.items.length === shown) {
      await this.#read(this.#to + 1 + limit, limit, options);
    }
    return !this.#isAtEnd;
  }

  /** Nobody looks at it any more: iterations end. */
  close(): void {
    driverOf(this.room.client).release(this);
    this.end();
  }

  /** @internal */
  override end(): void {
    this.#leave();
    this.#gone.abort(new ParlourError("closed"));
    super.end();
  }

  /** Reads the events before a place, which are older than what is shown, or go on where that ends. */
  async #read(before: number, limit: number, { signal }: CallOptions): Promise<void> {
    const given = AbortSignal.any([this.#gone.signal, ...(signal ? [signal] : [])]);
    given.throwIfAborted();
    const body = encode(ReadTimeline.request, { room: fieldOf(this.room.id), beforeSeq: before, limit });
    const items = await driverOf(this.room.client).ask({ method: ReadTimeline.id, body }, given);
    const page = pageOf(items);
    this.#timeline.handleThreads(page.threads);
    this.#timeline.handleOlder(page.from(before), page.events, page.amendments, page.isAtStart);
    if (before > this.#to) {
      this.#to = Math.min(before - 1, page.asOfSeq);
      this.#isAtEnd = before > page.asOfSeq;
    }
    if (this.#isAtEnd) this.#showWaiting();
    this.#publish();
  }

  #hear(events: readonly LogEvent[]): void {
    const amending = events.filter(({ kind, header, deleted }) => {
      return kind !== Kind.messagePosted && (header.targetSeq > 0 || deleted.length > 0);
    });
    this.#timeline.handleOlder(this.#timeline.from, [], amending, false);
    this.#waiting = [...this.#waiting, ...events].slice(-EXCERPT_WAITING_MAX);
    if (this.#isAtEnd) this.#showWaiting();
    this.#publish();
  }

  #showWaiting(): void {
    this.#timeline.handleLive(this.#waiting.filter(({ seq }) => seq > this.#to));
    this.#to = Math.max(this.#to, this.#waiting.at(-1)?.seq ?? 0);
    this.#waiting = [];
  }

  #publish(): void {
    this.change(this.#timeline.takeDiffs().map((diff) => mapDiff(diff, (item) => lineOf(item, this.room))));
  }
}

function pageOf(items: readonly Uint8Array[]): TimelinePage {
  const page = new TimelinePage();
  try {
    for (const item of items) page.add(item);
  } catch (cause) {
    throw cause instanceof Malformed ? new ParlourError("malformed", { cause }) : cause;
  }
  page.finish();
  return page;
}

/** A room's messages around the one at `seq`. Needs a connection. */
export async function timelineAround(
  room: Room,
  seq: number,
  { limit = PAGE_EVENTS, ...options }: CallOptions & { limit?: number } = {},
): Promise<Excerpt> {
  return Excerpt.open(room, seq, limit, options);
}
