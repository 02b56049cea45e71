/** What the user wants is shown at once, and put back where it is refused: for switches that the server has to take. */

import { useEffect, useRef, useState, useSyncExternalStore } from "react";

/** Asks for something; `false` where it isn't so after all, and that was said already. */
export type Ask<T> = (value: T) => unknown;

/** One thing that the user can want otherwise than it is. */
export class Wish<T> {
  private readonly listeners = new Set<() => void>();
  private wanted: { readonly value: T } | undefined;
  private isAsking = false;
  private state: { readonly shown: T; readonly error: unknown };

  constructor(
    private actual: T,
    private readonly ask: Ask<T>,
  ) {
    this.state = { shown: actual, error: undefined };
  }

  readonly subscribe = (onChange: () => void): (() => void) => {
    this.listeners.add(onChange);
    return () => this.listeners.delete(onChange);
  };

  /** What is to be shown, and why the last wish was refused. */
  get current(): { readonly shown: T; readonly error: unknown } {
    return this.state;
  }

  /** The user wants this. Wishes are asked for in turn; of those that came meanwhile, the last. */
  wish(value: T): void {
    this.wanted = { value };
    this.show(undefined);
    if (!this.isAsking) void this.fulfil();
  }

  /** It is so, as far as the server has told: from here, or from another device. */
  told(actual: T): void {
    if (Object.is(actual, this.actual)) return;
    this.actual = actual;
    if (!this.isAsking) this.wanted = undefined;
    this.show(this.state.error);
  }

  private async fulfil(): Promise<void> {
    this.isAsking = true;
    let asked: typeof this.wanted;
    let error: unknown;
    while (this.wanted && this.wanted !== asked) {
      asked = this.wanted;
      error = undefined;
      const isTaken = await this.taken(asked.value).catch((failed: unknown) => {
        error = failed;
        return false;
      });
      if (!isTaken && this.wanted === asked) this.wanted = undefined;
    }
    this.isAsking = false;
    // What was taken is shown until the server tells of it, which may be after its answer.
    if (this.wanted && Object.is(this.wanted.value, this.actual)) this.wanted = undefined;
    this.show(error);
  }

  private async taken(value: T): Promise<boolean> {
    return (await this.ask(value)) !== false;
  }

  private show(error: unknown): void {
    this.state = { shown: this.wanted ? this.wanted.value : this.actual, error };
    for (const listener of [...this.listeners]) listener();
  }
}

/** The same for a component. */
export function useWish<T>(actual: T, ask: Ask<T>) {
  const latest = useRef(ask);
  const [wish] = useState(() => new Wish<T>(actual, (value) => latest.current(value)));
  useEffect(() => {
    latest.current = ask;
  });
  useEffect(() => wish.told(actual), [wish, actual]);
  const { shown, error } = useSyncExternalStore(wish.subscribe, () => wish.current);
  return { shown, error, wish: (value: T) => wish.wish(value) };
}
