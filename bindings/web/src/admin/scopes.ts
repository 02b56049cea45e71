/** What a token allows. */

import { type Client, driverOf } from "../client/client.js";
import type { Driver } from "../client/driver.js";
import { ObservableValue } from "../client/observe.js";

/** The scopes of the calls in `@parlour/client/admin`. */
export const ADMIN_SCOPES = [
  "admin:accounts",
  "admin:audit",
  "admin:directory",
  "admin:health",
  "admin:moderation",
  "admin:quotas",
  "admin:sessions",
  "admin:usage",
] as const;

/** One of them. */
export type AdminScope = (typeof ADMIN_SCOPES)[number];

const observed = new WeakMap<Driver, ObservableValue<ReadonlySet<string>>>();

/**
 * What the client's token allows, as the server counts it, at most 50 scopes: as of the newest connection, and nothing
 * before the first. For showing what works; a call without its scope fails with `SCOPE_MISSING`.
 */
export function tokenScopes(client: Client): ObservableValue<ReadonlySet<string>> {
  const driver = driverOf(client);
  const known = observed.get(driver);
  if (known) return known;
  const value = driver.adopt(new ObservableValue<ReadonlySet<string>>(new Set(driver.welcome?.scopes)));
  observed.set(driver, value);
  driver.signals.hear((signal) => {
    if (signal.type !== "missed") return;
    const scopes = driver.welcome?.scopes ?? [];
    const isSame = scopes.length === value.current.size && scopes.every((scope) => value.current.has(scope));
    if (!isSame) value.set(new Set(scopes));
  });
  return value;
}
