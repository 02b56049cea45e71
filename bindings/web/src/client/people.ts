/** Who is in the organization, and of whom the user wants to hear nothing (PROTOCOL.md, section 42). */

import { BlockUser, GetUsers, ListPeople, UnblockUser } from "../generated/rpc.js";
import { fieldOf, type UserId } from "../ids.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";
import type { Driver } from "./driver.js";
import { ObservableValue } from "./observe.js";
import { refOf, type User, usersOf, type Who } from "./user.js";

/** Some of those who were found. */
export interface PeoplePage {
  /** Who. May be empty although there is a next page. */
  readonly users: readonly User[];
  /** The next page; absent at the end. */
  readonly next: ((options?: CallOptions) => Promise<PeoplePage>) | undefined;
}

/**
 * Those of whom each word of the query begins a word of their name, their handle or their subject; everyone for an
 * empty query. Needs a connection. Fails with `NOT_ALLOWED` for guests, and with `INVALID_FIELD` for over 200 bytes.
 */
export async function searchPeople(
  client: Client,
  query: string,
  options: CallOptions = {},
): Promise<PeoplePage> {
  return pageOf(client, query, new Uint8Array(0), options);
}

async function pageOf(
  client: Client,
  query: string,
  page: Uint8Array,
  options: CallOptions,
): Promise<PeoplePage> {
  const { users, nextPage } = await client.call(ListPeople, { query, page }, options);
  const next = (more: CallOptions = {}) => pageOf(client, query, nextPage, more);
  return { users: remember(client, usersOf(users)), next: nextPage.length > 0 ? next : undefined };
}

/** Somebody as they are now: what `Client.users` says may be from before. Absent for who isn't known. */
export async function card(
  client: Client,
  user: UserId,
  options: CallOptions = {},
): Promise<User | undefined> {
  const { users } = await client.call(GetUsers, { users: [fieldOf(user)] }, options);
  return remember(client, usersOf(users))[0];
}

function remember(client: Client, users: User[]): User[] {
  const known = driverOf(client).users;
  for (const user of users) known.set(user.id, user);
  return users;
}

/**
 * Blocks somebody, on all the user's devices: they can neither write to the user directly nor bring them into groups,
 * don't see their presence, and neither mention nor notify them. What they say in shared groups is still in those
 * rooms' timelines: an application hides it with `blocked`. Fails with `USER_NOT_FOUND` and `TOO_MANY_BLOCKED`.
 */
export async function block(client: Client, who: Who, options: CallOptions = {}): Promise<void> {
  await client.call(BlockUser, { user: refOf(who) }, options);
}

/** Unblocks somebody. Does nothing where they aren't blocked. */
export async function unblock(client: Client, user: UserId, options: CallOptions = {}): Promise<void> {
  await client.call(UnblockUser, { user: fieldOf(user) }, options);
}

const observed = new WeakMap<Driver, ObservableValue<ReadonlySet<UserId>>>();

/** Who is blocked, as far as this device knows, also without a connection, now and whenever that changes. */
export function blocked(client: Client): ObservableValue<ReadonlySet<UserId>> {
  const driver = driverOf(client);
  const known = observed.get(driver);
  if (known) return known;
  const now = () => new Set(driver.engine.meta.blocked);
  const value = driver.adopt(new ObservableValue<ReadonlySet<UserId>>(now()));
  observed.set(driver, value);
  driver.signals.hear((signal) => {
    const isAbout = signal.type === "own" && signal.body.case === "blockChanged";
    if (isAbout || signal.type === "learned") value.set(now());
  });
  return value;
}
