/** What a token allows. */

import { type Client, driverOf } from "../client/client.js";
import type { Driver } from "../client/driver.js";
import { ObservableValue } from "../client/observe.js";

/** The scopes of the calls in `@parlour/client/admin`. */
export const ADMIN_SCOPES = [
  "admin:accounts",
  "admin:audit",
  "admin:directory",
  "admin:moderation",
  "admin:quotas",
  "admin:sessions",
  "admin:usage",
] as const;

/** One of them. */
export type AdminScope = (typeof ADMIN_SCOPES)[number];

const observed = new WeakMap<Driver, ObservableValue<ReadonlySet<string>>>();

/**
 * What the client's token says that it allows, as of the newest connection; nothing before the first. It is only for
 * showing what may work: the server decides, and an identity provider's token, or a program's key, may say
 * something else than the server makes of it. A call without its scope fails with `SCOPE_MISSING`.
 */
export function tokenScopes(client: Client): ObservableValue<ReadonlySet<string>> {
  const driver = driverOf(client);
  const known = observed.get(driver);
  if (known) return known;
  const value = driver.adopt(new ObservableValue<ReadonlySet<string>>(new Set(scopesIn(driver.token))));
  observed.set(driver, value);
  driver.signals.hear((signal) => {
    if (signal.type !== "missed") return;
    const scopes = scopesIn(driver.token);
    const isSame = scopes.length === value.current.size && scopes.every((scope) => value.current.has(scope));
    if (!isSame) value.set(new Set(scopes));
  });
  return value;
}

/** @internal The scopes that a token lists; none of what isn't a JWT. Nothing is verified. */
export function scopesIn(token: string): string[] {
  const payload = token.split(".")[1] ?? "";
  try {
    const json = atob(payload.replace(/-/g, "+").replace(/_/g, "/"));
    const { scope } = JSON.parse(json) as { scope?: unknown };
    return typeof scope === "string" ? [...new Set(scope.split(" ").filter(Boolean))] : [];
  } catch {
    return [];
  }
}
