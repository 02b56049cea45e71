/** Lists that the server keeps for the user on all their devices: read once, and again when that was changed anywhere. */

import { applyDiff } from "../core/diff.js";
import type { Signal } from "../core/signal.js";
import type { CallOptions } from "./call.js";
import type { Driver } from "./driver.js";
import { ObservableList } from "./observe.js";

/** How one kind of list is read and kept. */
export interface Keeping<T> {
  readonly driver: Driver;
  /** Reads all of it. */
  read(options: CallOptions): Promise<readonly T[]>;
  /** What a signal says of it: nothing, that it is to be read again, or what the list is from then on. */
  hear(signal: Signal, items: readonly T[]): undefined | "read" | readonly T[];
}

/** A list of the user's that keeps itself up to date until it is closed, or the client is. */
export abstract class Listed<T> extends ObservableList<T> {
  readonly #keeping: Keeping<T>;
  readonly #leave: () => void;
  readonly #gone = new AbortController();
  #reading: Promise<void> | undefined;
  #isAgain = false;
  /** What was heard while the list was read. */
  #meanwhile: Signal[] = [];

  protected constructor(keeping: Keeping<T>) {
    super();
    this.#keeping = keeping;
    keeping.driver.adopt(this);
    this.#leave = keeping.driver.signals.hear((signal) => this.#hear(signal));
  }

  /** Reads it again. */
  async refresh({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#isAgain = true;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await unlessAborted(this.#reading, signal);
  }

  /** Nobody looks at it any more: iterations end. */
  close(): void {
    this.#keeping.driver.release(this);
    this.end();
  }

  /** @internal */
  override end(): void {
    this.#leave();
    this.#gone.abort();
    super.end();
  }

  /** Replaces the list. */
  protected put(items: readonly T[]): void {
    this.change([{ type: "reset", items: [...items] }]);
  }

  async #read(): Promise<void> {
    while (this.#isAgain && !this.#gone.signal.aborted) {
      this.#isAgain = false;
      this.#meanwhile = [];
      this.put(await this.#keeping.read({ signal: this.#gone.signal }));
      for (const signal of this.#meanwhile) this.#apply(signal);
    }
  }

  #hear(signal: Signal): void {
    if (this.#reading) this.#meanwhile.push(signal);
    this.#apply(signal);
  }

  #apply(signal: Signal): void {
    const heard = this.#keeping.hear(signal, this.items);
    // Without a connection, or where it is refused, the list stays as it was.
    if (heard === "read") void this.refresh().catch(() => undefined);
    else if (heard !== undefined) this.put(heard);
  }
}

/** The same, but for who doesn't want to wait for it any longer. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}

/** A list with one thing in the place of what has the same key; without it where that is `undefined`. */
export function withOne<T>(
  items: readonly T[],
  key: (item: T) => string,
  of: string,
  item: T | undefined,
): T[] {
  const list = [...items];
  const index = list.findIndex((one) => key(one) === of);
  if (index >= 0 && item !== undefined) applyDiff({ type: "update", index, item }, list);
  else if (index >= 0) applyDiff({ type: "remove", index }, list);
  else if (item !== undefined) list.push(item);
  return list;
}
