/** A thread: the replies under a message, and how far the user has read them. */

import type { ThreadSummary } from "../core/timeline/item.js";
import { FollowThread, MarkThreadRead, MarkThreadUnread, UnfollowThread } from "../generated/rpc.js";
import { fieldOf, type UserId } from "../ids.js";
import type { CallOptions } from "./call.js";
import { draftOf, type Sendable } from "./draft.js";
import type { Driver, Sent } from "./driver.js";
import type { QueuedSend, Room } from "./room.js";
import { Timeline } from "./timeline.js";

/** The thread under a message, be it an empty one. */
export class Thread {
  readonly #driver: Driver;
  /** @internal Made by a room. */
  constructor(
    /** Its room. */
    readonly room: Room,
    driver: Driver,
    /** The message it stands under, by its number in the log. */
    readonly rootSeq: number,
  ) {
    this.#driver = driver;
  }

  /** Replies, and waits until the server has it on its disk; as `Room.send`. */
  async send(message: Sendable, options: CallOptions = {}): Promise<Sent> {
    return this.room.send({ ...draftOf(message), threadRoot: this.rootSeq }, options);
  }

  /** Writes a reply down and returns; as `Room.queue`. */
  async queue(message: Sendable): Promise<QueuedSend> {
    return this.room.queue({ ...draftOf(message), threadRoot: this.rootSeq });
  }

  /** The root and the replies. `close` it after use. */
  async timeline(): Promise<Timeline> {
    return Timeline.open(this.room, this.#driver, { room: this.room.id, root: this.rootSeq });
  }

  /** Follows it from now on. Whoever replies or is mentioned follows by that. */
  async follow(options: CallOptions = {}): Promise<void> {
    await this.room.client.call(FollowThread, this.#names, options);
  }

  /** Follows it no longer. */
  async unfollow(options: CallOptions = {}): Promise<void> {
    await this.room.client.call(UnfollowThread, this.#names, options);
  }

  /** Everything up to the reply at `seq` is read; past the end, all of it. Never moves the marker back. */
  async markRead(seq: number, options: CallOptions = {}): Promise<void> {
    await this.room.client.call(MarkThreadRead, { ...this.#names, seq }, options);
  }

  /** The reply at `seq` and everything after it is unread, even what the user wrote. */
  async markUnread(seq: number, options: CallOptions = {}): Promise<void> {
    await this.room.client.call(MarkThreadUnread, { ...this.#names, seq }, options);
  }

  get #names() {
    return { room: fieldOf(this.room.id), rootSeq: this.rootSeq };
  }
}

/** A thread that the user follows, as it was when it was asked for. */
export interface FollowedThread {
  readonly thread: Thread;
  /** What stands in it. */
  readonly summary: ThreadSummary;
  /** Who replied last, at most 5, the last one first. */
  readonly repliers: readonly UserId[];
  /** Unread replies. */
  readonly unread: number;
  /** Of those, the ones that mention the user. */
  readonly mentions: number;
}
