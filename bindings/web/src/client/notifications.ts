/** Messages that the user wants to be told of: the decision is in `core/notify.ts`. */

import type { LogEvent } from "../core/event.js";
import { type NotifyReason, notifies } from "../core/notify.js";
import { isDescribed } from "../core/record.js";
import { MessagePosted } from "../generated/message/v1/message.js";
import { SetStatus } from "../generated/rpc.js";
import type { RoomId, UserId } from "../ids.js";
import { FEED_EVENTS_MAX } from "../limits.js";
import { type Client, driverOf } from "./client.js";
import type { Driver, RoomEvents } from "./driver.js";
import { ObservableStream } from "./observe.js";
import type { Room } from "./room.js";

/** A message that the user wants to be told of. */
export interface Notification {
  readonly room: Room;
  /** Its number in the log. */
  readonly seq: number;
  /** The message whose thread it belongs to. */
  readonly threadRoot: number | undefined;
  /** Who wrote it. */
  readonly sender: UserId | undefined;
  /** When, Unix milliseconds. */
  readonly atMs: number;
  /** What it says. */
  readonly text: string;
  /** Why. */
  readonly reason: NotifyReason;
}

class Notifier {
  readonly stream = new ObservableStream<Notification>();
  readonly #client: Client;
  readonly #driver: Driver;
  /** The end of do-not-disturb; `undefined` until the server has told. */
  #quietUntilMs: number | undefined;
  /** What came before that. */
  #early: RoomEvents[] = [];

  constructor(client: Client, driver: Driver) {
    this.#client = client;
    this.#driver = driver;
    driver.adopt(this.stream);
    driver.events.hear((news) => this.#hear(news));
    driver.signals.hear((signal) => {
      if (signal.type === "learned") void this.#askQuiet();
      else if (signal.type === "own" && signal.body.case === "statusChanged")
        this.#learnQuiet(signal.body.value.settings?.doNotDisturbUntilMs);
    });
    void this.#askQuiet();
  }

  /** A request that changes nothing, whose answer says what is set. */
  async #askQuiet(): Promise<void> {
    try {
      const { settings } = await this.#client.call(SetStatus, {});
      this.#learnQuiet(settings?.doNotDisturbUntilMs);
    } catch {
      // A server that knows no such thing has none set.
      this.#learnQuiet(this.#quietUntilMs);
    }
  }

  #learnQuiet(untilMs = 0): void {
    this.#quietUntilMs = untilMs;
    const early = this.#early;
    this.#early = [];
    for (const news of early) this.#hear(news);
  }

  #hear(news: RoomEvents): void {
    if (this.#quietUntilMs === undefined) {
      if (this.#early.length < FEED_EVENTS_MAX) this.#early.push(news);
      return;
    }
    for (const event of news.events) this.#decide(news.room, event, this.#quietUntilMs);
  }

  #decide(id: RoomId, event: LogEvent, quietUntilMs: number): void {
    const { engine } = this.#driver;
    const { user: me, settings, blocked } = engine.meta;
    const record = engine.record(id);
    if (!record || me === undefined || (event.sender && blocked.has(event.sender))) return;
    // Who is in a node, or in one below it, is in its room, and only they are.
    const isIn = (node: RoomId) => {
      const room = engine.record(node);
      return room !== undefined && isDescribed(room);
    };
    const nowMs = engine.serverMs(this.#driver.now());
    const reason = notifies({ me, settings, quietUntilMs, isIn }, record, event, nowMs);
    if (reason) this.stream.emit(this.#notification(id, event, reason));
  }

  #notification(room: RoomId, event: LogEvent, reason: NotifyReason): Notification {
    const { seq, sender, header } = event;
    return {
      room: this.#client.room(room),
      seq,
      threadRoot: header.threadRootSeq || undefined,
      sender,
      atMs: header.atMs,
      text: event.bodyAs(MessagePosted).text,
      reason,
    };
  }
}

const notifiers = new WeakMap<Driver, Notifier>();

/**
 * Messages that the user wants to be told of, from now on: what levels, mutes, keywords and do-not-disturb leave.
 * Those that came while the client was away come once it is back, as far as their rooms are read on. A client with
 * the focus `"focused"` hears only of rooms whose timeline is open.
 */
export function notifications(client: Client): ObservableStream<Notification> {
  const driver = driverOf(client);
  const notifier = notifiers.get(driver) ?? new Notifier(client, driver);
  notifiers.set(driver, notifier);
  return notifier.stream;
}
