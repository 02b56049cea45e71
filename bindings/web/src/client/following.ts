/** Followed threads: which they are, and what is unread in each (PROTOCOL.md, section 21). */

import type { Signal } from "../core/signal.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";
import { Listed } from "./listed.js";
import { ObservableValue } from "./observe.js";
import type { FollowedThread, Thread } from "./thread.js";

/** What is unread in a thread that the user follows. */
export interface Following {
  /** Unread replies. */
  readonly unread: number;
  /** Of those, the ones that mention the user. */
  readonly mentions: number;
  /** Everything up to here is read. */
  readonly readSeq: number;
}

/** Whether the user follows a thread, and what is unread there, as far as the client knows; `close` it after use. */
export class FollowState extends ObservableValue<Following | undefined> {
  readonly #thread: Thread;
  readonly #leave: (() => void)[];

  /** @internal See `following`. */
  constructor(thread: Thread) {
    super(stateOf(thread));
    this.#thread = thread;
    const driver = driverOf(thread.room.client);
    driver.adopt(this);
    const look = () => this.#look();
    this.#leave = [driver.signals.hear(look), driver.events.hear(look), driver.rooms.subscribe(look)];
  }

  /** Nobody looks at it any more: iterations end. */
  close(): void {
    driverOf(this.#thread.room.client).release(this);
    this.end();
  }

  /** @internal */
  override end(): void {
    for (const leave of this.#leave) leave();
    super.end();
  }

  #look(): void {
    const [before, now] = [this.current, stateOf(this.#thread)];
    if (JSON.stringify(before) !== JSON.stringify(now)) this.set(now);
  }
}

function stateOf({ room, rootSeq }: Thread): Following | undefined {
  const record = driverOf(room.client).engine.record(room.id);
  const counts = record?.threads.find((thread) => thread.rootSeq === rootSeq)?.counts;
  return counts && { unread: counts.messages, mentions: counts.mentions, readSeq: counts.readSeq };
}

/** Whether the user follows a thread, and what is unread there, now and whenever that changes. */
export function following(thread: Thread): FollowState {
  return new FollowState(thread);
}

/** The threads that the user follows, the one with the newest reply first. `close` it after use. */
export class FollowedThreads extends Listed<FollowedThread> {
  readonly #ignore: () => void;

  private constructor(client: Client) {
    const driver = driverOf(client);
    super({ driver, read: (options) => client.threads({}, options), hear: heard });
    this.#ignore = driver.events.hear(({ room, events }) => {
      const isAbout = ({ thread }: FollowedThread) =>
        thread.room.id === room && events.some(({ header }) => header.threadRootSeq === thread.rootSeq);
      if (this.items.some(isAbout)) void this.refresh().catch(() => undefined);
    });
  }

  /** All of them, once they are there. */
  static async open(client: Client, options: CallOptions = {}): Promise<FollowedThreads> {
    const threads = new FollowedThreads(client);
    try {
      await threads.refresh(options);
      return threads;
    } catch (error) {
      threads.close();
      throw error;
    }
  }

  /** @internal */
  override end(): void {
    this.#ignore();
    super.end();
  }
}

const ABOUT_THREADS = ["threadFollowed", "threadUnfollowed", "threadMarkerMoved", "roomLost"];

function heard(signal: Signal) {
  const isAbout = signal.type === "own" && ABOUT_THREADS.includes(signal.body.case);
  return isAbout || signal.type === "missed" ? "read" : undefined;
}
