/** As much of a room's members as somebody has looked at: pages come as they are needed. */

import type { User } from "@parlour/client";
import type { PeoplePage } from "@parlour/client/people";

/** Enough to fill any window; further ones come when somebody scrolls there. */
const FOUND_ENOUGH = 30;

/** What is known of the members. */
export interface Known {
  /** In the order they came in. */
  readonly users: readonly User[];
  /** No further ones come. */
  readonly isWhole: boolean;
  readonly isLoading: boolean;
  /** Why the last page didn't come. */
  readonly error: unknown;
}

/** Reads a page, the first or the one behind another. */
export type ReadPage = (after: PeoplePage | undefined) => Promise<PeoplePage>;

/** The members of one room. */
export class Roll {
  private readonly listeners = new Set<() => void>();
  private last: PeoplePage | undefined;
  private pages = 0;
  private reading: Promise<void> | undefined;
  private wanted: string | undefined;
  known: Known = { users: [], isWhole: false, isLoading: false, error: undefined };

  constructor(private readonly read: ReadPage) {}

  readonly subscribe = (onChange: () => void): (() => void) => {
    this.listeners.add(onChange);
    return () => this.listeners.delete(onChange);
  };

  /** Reads the next page, if there is one. One at a time: whoever asks meanwhile waits for the same. */
  more(): Promise<void> {
    if (this.known.isWhole) return Promise.resolve();
    this.reading ??= this.next().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  /** Reads on until enough members fit what is wanted, something else is, or there are no more. */
  async find(wanted: string, enough = FOUND_ENOUGH): Promise<void> {
    this.wanted = wanted;
    while (this.wanted === wanted && !this.known.isWhole) {
      if (fitting(this.known.users, wanted).length >= enough) return;
      await this.more();
      if (this.known.error !== undefined) return;
    }
  }

  /** Somebody came or left: reads the first page anew where it is all that was read. */
  async refresh(): Promise<void> {
    await this.reading;
    if (this.pages > 1) return;
    try {
      const page = await this.read(undefined);
      this.last = page;
      this.change({ users: page.users, isWhole: !page.next, error: undefined });
    } catch {
      // What is shown stays.
    }
  }

  /** Nobody wants to find anything any more. */
  stop(): void {
    this.wanted = undefined;
  }

  private async next(): Promise<void> {
    this.change({ isLoading: true, error: undefined });
    try {
      const page = await this.read(this.last);
      this.last = page;
      this.pages += 1;
      this.change({ users: [...this.known.users, ...page.users], isWhole: !page.next, isLoading: false });
    } catch (error) {
      this.change({ isLoading: false, error });
    }
  }

  private change(change: Partial<Known>): void {
    this.known = { ...this.known, ...change };
    for (const listener of [...this.listeners]) listener();
  }
}

/** Those whose name, handle or subject has all words of a query, in any case. */
export function fitting(users: readonly User[], query: string): readonly User[] {
  const words = query.toLocaleLowerCase().split(/\s+/u).filter(Boolean);
  if (words.length === 0) return users;
  return users.filter(({ name, subject, profile }) => {
    const text = `${name} ${profile.handle ?? ""} ${subject}`.toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
}
