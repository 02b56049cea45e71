/**
 * Observables: a value, a list with its changes, or what happens. All are async iterables; `subscribe` is what user interface
 * libraries want. An observer that doesn't keep up gets the whole list instead of ever more diffs.
 */

import { applyDiff, type Diff } from "../core/diff.js";
import { FEED_DIFFS_MAX, FEED_EVENTS_MAX } from "../limits.js";

/** A queue that an async iterator reads. */
class Feed<T> implements AsyncIterableIterator<T> {
  readonly #leave: (feed: Feed<T>) => void;
  queue: T[] = [];
  #wake: ((result: IteratorResult<T>) => void) | undefined;
  #isDone = false;

  constructor(leave: (feed: Feed<T>) => void) {
    this.#leave = leave;
  }

  push(item: T): void {
    if (this.#wake) {
      this.#wake({ done: false, value: item });
      this.#wake = undefined;
    } else this.queue.push(item);
  }

  end(): void {
    this.#isDone = true;
    this.#wake?.({ done: true, value: undefined });
    this.#wake = undefined;
  }

  async next(): Promise<IteratorResult<T>> {
    const [item] = this.queue;
    if (this.queue.length > 0) {
      this.queue.shift();
      return { done: false, value: item as T };
    }
    if (this.#isDone) return { done: true, value: undefined };
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async return(): Promise<IteratorResult<T>> {
    this.#leave(this);
    this.queue = [];
    this.end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** What all kinds have: observers of the moment. */
abstract class Source<T> implements AsyncIterable<T> {
  protected readonly feeds = new Set<Feed<T>>();
  readonly #listeners = new Set<() => void>();
  #isOver = false;

  /** Calls back after each change; returns what ends that. For `useSyncExternalStore` and the like. */
  readonly subscribe = (onChange: () => void): (() => void) => {
    this.#listeners.add(onChange);
    return () => {
      this.#listeners.delete(onChange);
    };
  };

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    const feed = new Feed<T>((gone) => this.feeds.delete(gone));
    for (const item of this.first()) feed.push(item);
    if (this.#isOver) feed.end();
    else this.feeds.add(feed);
    return feed;
  }

  /** What an observer is told to begin with. */
  protected abstract first(): readonly T[];

  protected notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** @internal Nothing changes any more: iterations end. */
  end(): void {
    this.#isOver = true;
    for (const feed of this.feeds) feed.end();
    this.feeds.clear();
  }
}

/** A value that changes. Its iterator begins with the present one. */
export class ObservableValue<T> extends Source<T> {
  #value: T;
  constructor(value: T) {
    super();
    this.#value = value;
  }

  /** The value now. */
  get current(): T {
    return this.#value;
  }

  /** @internal */
  set(value: T): void {
    this.#value = value;
    for (const feed of this.feeds) {
      // Only the newest matters.
      feed.queue = [];
      feed.push(value);
    }
    this.notify();
  }

  protected first(): readonly T[] {
    return [this.#value];
  }
}

/** A list that changes. Its iterator begins with a `reset` to the present list. */
export class ObservableList<T> extends Source<Diff<T>> {
  #list: readonly T[];

  constructor(items: readonly T[] = []) {
    super();
    this.#list = items;
  }

  /** The list now. Each change makes a new array, so that it can be compared. */
  get items(): readonly T[] {
    return this.#list;
  }

  /** @internal */
  change(diffs: readonly Diff<T>[]): void {
    if (diffs.length === 0) return;
    const list = [...this.#list];
    for (const diff of diffs) applyDiff(diff, list);
    this.#list = list;
    for (const feed of this.feeds) {
      if (feed.queue.length + diffs.length <= FEED_DIFFS_MAX) for (const diff of diffs) feed.push(diff);
      else {
        feed.queue = [];
        feed.push({ type: "reset", items: list });
      }
    }
    this.notify();
  }

  protected first(): readonly Diff<T>[] {
    return [{ type: "reset", items: this.#list }];
  }
}

/** Things that happen, from now on. An iteration that is far behind loses the oldest. */
export class ObservableStream<T> extends Source<T> {
  readonly #hearers = new Set<(item: T) => void>();

  /** @internal Hears everything at once, until what this returns is called. */
  hear(hearer: (item: T) => void): () => void {
    this.#hearers.add(hearer);
    return () => void this.#hearers.delete(hearer);
  }

  /** @internal */
  emit(item: T): void {
    for (const hearer of [...this.#hearers]) hearer(item);
    for (const feed of this.feeds) {
      if (feed.queue.length >= FEED_EVENTS_MAX) feed.queue.shift();
      feed.push(item);
    }
    this.notify();
  }

  protected first(): readonly T[] {
    return [];
  }
}
