/** A room's timeline, or a thread's, as an observable list. */

import { type Diff, mapDiff } from "../core/diff.js";
import type { Item } from "../core/timeline/item.js";
import type { Scope } from "../core/timeline/threads.js";
import { PAGE_EVENTS } from "../limits.js";
import type { Driver } from "./driver.js";
import { lineOf, type TimelineItem } from "./message.js";
import type { ObservableList } from "./observe.js";
import type { Room } from "./room.js";

/**
 * The messages of a room, or of a thread with its root, oldest first: a list, and an iterable of its changes,
 * which begins with a `reset` to the present list. What the user has sent stands at the end until the log has it,
 * so the list shows a message at once. The room's whole events are read as long as a timeline of it is open.
 */
export class Timeline implements AsyncIterable<Diff<TimelineItem>> {
  readonly #driver: Driver;
  readonly #scope: Scope;
  readonly #list: ObservableList<Item>;
  #isClosed = false;
  readonly #iterations = new Set<AsyncIterableIterator<Diff<Item>>>();
  #from: readonly Item[] = [];
  #lines: readonly TimelineItem[] = [];

  private constructor(
    /** The room. */
    readonly room: Room,
    driver: Driver,
    scope: Scope,
    list: ObservableList<Item>,
  ) {
    this.#driver = driver;
    this.#scope = scope;
    this.#list = list;
  }

  /** @internal See `Room.timeline`. */
  static async open(room: Room, driver: Driver, scope: Scope): Promise<Timeline> {
    return new Timeline(room, driver, scope, await driver.watch(scope));
  }

  /** The list now, oldest first. Each change makes a new array, so that it can be compared. */
  get items(): readonly TimelineItem[] {
    if (this.#from !== this.#list.items) {
      this.#from = this.#list.items;
      this.#lines = this.#from.map((item) => lineOf(item, this.room));
    }
    return this.#lines;
  }

  /** Whether nothing comes before what is shown. */
  get isAtStart(): boolean {
    return this.#driver.engine.timeline(this.#scope)?.isAtStart ?? false;
  }

  /** Calls back after each change; returns what ends that. For `useSyncExternalStore` and the like. */
  readonly subscribe = (onChange: () => void): (() => void) => this.#list.subscribe(onChange);

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Diff<TimelineItem>> {
    const diffs = this.#list[Symbol.asyncIterator]();
    this.#iterations.add(diffs);
    if (this.#isClosed) void diffs.return?.();
    try {
      for await (const diff of diffs) yield mapDiff(diff, (item) => lineOf(item, this.room));
    } finally {
      this.#iterations.delete(diffs);
    }
  }

  /** Adds a page before the first item, which has come when this settles; `false` when nothing comes before it. */
  async loadOlder(limit: number = PAGE_EVENTS): Promise<boolean> {
    return this.#driver.timelines.loadOlder(this.#scope, limit);
  }

  /** Nobody looks at it any more: iterations end. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const diffs of this.#iterations) void diffs.return?.();
    this.#driver.timelines.unwatch(this.#scope);
  }
}
