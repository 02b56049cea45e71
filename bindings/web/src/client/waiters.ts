/** Promises that wait for something with a name, such as the answer to a call. */

import { ParlourError } from "../errors.js";

/** Settles one promise. */
export interface Waiter<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Those that wait, by name. */
export class Waiters<Key, T> {
  readonly #waiting = new Map<Key, Waiter<T>>();

  /** A promise that waits under a name. */
  wait(key: Key): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(key, { resolve, reject });
    });
  }

  /** What waits under a name, no longer. */
  take(key: Key): Waiter<T> | undefined {
    const waiter = this.#waiting.get(key);
    this.#waiting.delete(key);
    return waiter;
  }

  /** What waits under a name waits under another. */
  rename(from: Key, to: Key): void {
    const waiter = this.take(from);
    if (waiter) this.#waiting.set(to, waiter);
  }

  /** The client is closed: nothing comes any more. */
  close(): void {
    for (const waiter of this.#waiting.values()) waiter.reject(new ParlourError("closed"));
    this.#waiting.clear();
  }
}
