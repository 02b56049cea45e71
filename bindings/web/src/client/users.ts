/** Users as a user interface wants them: at once where they are known, and soon where they aren't. */

import type { UserId } from "../ids.js";
import { USERS_KEPT_AFTER_MS, USERS_KEPT_MAX } from "../limits.js";
import { type Client, driverOf } from "./client.js";
import type { Driver } from "./driver.js";
import { ObservableValue } from "./observe.js";
import type { User } from "./user.js";

const NOTE = "users";

/**
 * Everyone who was asked for, with a cache that has a place for it also at the visits before. Nobody is told of
 * changes: they are asked for again on each connection.
 */
export class Users extends ObservableValue<ReadonlyMap<UserId, User>> {
  readonly #client: Client;
  readonly #driver: Driver;
  /** To be asked for in a moment, all together. */
  readonly #wanted = new Set<UserId>();
  /** Asked for on this connection. */
  readonly #asked = new Set<UserId>();
  #keeping: ReturnType<typeof setTimeout> | undefined;

  /** @internal See `users`. */
  constructor(client: Client, driver: Driver) {
    super(new Map(driver.users));
    this.#client = client;
    this.#driver = driver;
    driver.signals.hear((signal) => {
      if (signal.type !== "missed") return;
      const again = [...this.#asked];
      this.#asked.clear();
      for (const user of again) driver.users.delete(user);
      this.want(again);
    });
    void this.#recall();
  }

  /** @internal */
  override end(): void {
    clearTimeout(this.#keeping);
    super.end();
  }

  /** Somebody, if they are known; if they aren't they come with a change of this value. */
  get(user: UserId): User | undefined {
    this.want([user]);
    return this.current.get(user);
  }

  /** These are going to be looked at. */
  want(users: readonly UserId[]): void {
    const isWaiting = this.#wanted.size > 0;
    for (const user of users) if (!this.#asked.has(user)) this.#wanted.add(user);
    if (!isWaiting && this.#wanted.size > 0) queueMicrotask(() => void this.#ask());
  }

  /** Somebody's name, picture or profile may be another. */
  refresh(user: UserId): void {
    this.#asked.delete(user);
    this.#driver.users.delete(user);
    this.want([user]);
  }

  async #ask(): Promise<void> {
    const users = [...this.#wanted];
    this.#wanted.clear();
    for (const user of users) this.#asked.add(user);
    try {
      const found = await this.#client.users(users);
      this.set(new Map([...this.current, ...found]));
      this.#keepSoon();
    } catch {
      // The client is closed, or they are refused: the next connection asks again.
    }
  }

  // Between visits.

  async #recall(): Promise<void> {
    const note = await this.#driver.cache.note?.(NOTE).catch(() => undefined);
    const { of, users } = (note ?? {}) as Partial<Note>;
    if (users && of !== undefined && of === this.#client.me) this.set(new Map([...users, ...this.current]));
  }

  #keepSoon(): void {
    this.#keeping ??= setTimeout(() => {
      this.#keeping = undefined;
      const note: Note = { of: this.#client.me, users: [...this.current].slice(-USERS_KEPT_MAX) };
      // Only for show: whoever is missing is asked for.
      this.#driver.cache.putNote?.(NOTE, note).catch(() => undefined);
    }, USERS_KEPT_AFTER_MS);
  }
}

/** As a cache keeps it. */
interface Note {
  of: UserId | undefined;
  users: [UserId, User][];
}

const made = new WeakMap<Driver, Users>();

/** Users, for a user interface: the same each time. */
export function users(client: Client): Users {
  const driver = driverOf(client);
  const known = made.get(driver);
  if (known) return known;
  const all = driver.adopt(new Users(client, driver));
  made.set(driver, all);
  return all;
}
