/** Who the user is, as the server said when it welcomed the client: their name, and their roles in the directory. */

import { idOf, type RoomId, type UserId } from "../ids.js";
import { type Client, driverOf } from "./client.js";
import type { Driver } from "./driver.js";
import { ObservableValue } from "./observe.js";

/** Who the user is. */
export interface Identity {
  readonly user: UserId;
  readonly name: string;
  /** In the organization, such as `"admin"` or `"guest"`; empty where it has no directory. */
  readonly role: string;
  /** The nodes of the directory that they are in directly, by the nodes' rooms, at most 100. */
  readonly memberships: readonly { readonly node: RoomId; readonly role: string }[];
}

const observed = new WeakMap<Driver, ObservableValue<Identity | undefined>>();

/** Who the user is, as of the newest connection; absent before the first. */
export function identity(client: Client): ObservableValue<Identity | undefined> {
  const driver = driverOf(client);
  const known = observed.get(driver);
  if (known) return known;
  const value = driver.adopt(new ObservableValue(identityIn(driver)));
  observed.set(driver, value);
  driver.signals.hear((signal) => {
    if (signal.type === "missed") value.set(identityIn(driver));
  });
  return value;
}

function identityIn({ welcome }: Driver): Identity | undefined {
  const user = idOf<UserId>(welcome?.user);
  if (welcome === undefined || user === undefined) return undefined;
  const memberships = welcome.memberships.flatMap(({ node: field, role }) => {
    const node = idOf(field);
    return node ? [{ node, role }] : [];
  });
  return { user, name: welcome.name, role: welcome.role, memberships };
}
