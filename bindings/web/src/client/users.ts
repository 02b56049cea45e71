/** Users as a user interface wants them: at once where they are known, and soon where they aren't. */

import type { UserId } from "../ids.js";
import { USERS_KEPT_AFTER_MS, USERS_KEPT_MAX, USERS_WATCHED_MAX } from "../limits.js";
import { type Client, driverOf } from "./client.js";
import type { Driver } from "./driver.js";
import { ObservableValue } from "./observe.js";
import type { User } from "./user.js";

const NOTE = "users";

/**
 * Everyone who was asked for, with a cache that has a place for it also at the visits before. The presence of those
 * asked for last is watched, 200 of them: when one has another name, picture or profile, this value changes. Others
 * are asked for again on each connection.
 */
export class Users extends ObservableValue<ReadonlyMap<UserId, User>> {
  readonly #client: Client;
  readonly #driver: Driver;
  /** To be asked for in a moment, all together. */
  readonly #wanted = new Set<UserId>();
  /** Asked for on this connection. */
  readonly #asked = new Set<UserId>();
  /** Watched from here, the one asked for last at the end. */
  readonly #watched = new Set<UserId>();
  /** What presence told of them last. */
  readonly #marks = new Map<UserId, number>();
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
    driver.presences.subscribe(() => this.#compare());
    void this.#recall();
  }

  /** @internal */
  override end(): void {
    clearTimeout(this.#keeping);
    super.end();
  }

  /** Somebody, if they are known; if they aren't they come with a change of this value. */
  get(user: UserId | undefined): User | undefined {
    if (user === undefined) return undefined;
    this.want([user]);
    return this.current.get(user);
  }

  /** These are going to be looked at. */
  want(users: readonly UserId[]): void {
    const isWaiting = this.#wanted.size > 0;
    for (const user of users) {
      if (!this.#asked.has(user)) this.#wanted.add(user);
      // Whoever is looked at again stays watched longer.
      if (this.#watched.delete(user)) this.#watched.add(user);
    }
    if (!isWaiting && this.#wanted.size > 0) queueMicrotask(() => void this.#ask());
  }

  /** An answer has told of these. */
  learn(users: readonly User[]): void {
    for (const user of users) {
      this.#driver.users.set(user.id, user);
      this.#asked.add(user.id);
    }
    this.set(new Map([...this.current, ...users.map((user) => [user.id, user] as const)]));
    this.#watch(users.map(({ id }) => id));
    this.#keepSoon();
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
      this.#watch(users);
      this.#check(found);
      this.#keepSoon();
    } catch {
      // The client is closed, or they are refused: the next connection asks again.
    }
  }

  // Changes.

  #watch(users: readonly UserId[]): void {
    const added = users.filter((user) => !this.#watched.has(user)).slice(-USERS_WATCHED_MAX);
    for (const user of added) this.#watched.add(user);
    const gone = [...this.#watched].slice(0, Math.max(0, this.#watched.size - USERS_WATCHED_MAX));
    for (const user of gone) this.#watched.delete(user);
    this.#driver.hint((engine) => {
      const now = this.#driver.now();
      engine.unwatchPresence(gone, now);
      // Where the application watches as many as it may, these are asked for on the next connection.
      if (!engine.watchPresence(added, now)) for (const user of added) this.#watched.delete(user);
    });
  }

  /** Asks anew for those who are others than when they were asked for. */
  #compare(): void {
    for (const [user, { userMark }] of this.#driver.presences.current) {
      if (userMark === 0 || this.#marks.get(user) === userMark) continue;
      this.#marks.set(user, userMark);
      const known = this.#driver.users.get(user);
      if (known && known.mark !== userMark) this.refresh(user);
    }
  }

  /** An answer may be from before what presence told: those are asked for once more. */
  #check(found: ReadonlyMap<UserId, User>): void {
    for (const [id, { mark }] of found) {
      const told = this.#marks.get(id);
      if (!told || told === mark) continue;
      this.#marks.delete(id);
      this.refresh(id);
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
