/** What the user may administer, as far as their token says so. */

import { type AdminScope, tokenScopes } from "@parlour/client/admin";
import { useClient, useValue } from "../sdk/context.tsx";

/** What the token allows. */
export function useScopes(): ReadonlySet<string> {
  return useValue(tokenScopes(useClient()));
}

/** Whether one of these is allowed. */
export function useMay(...scopes: readonly AdminScope[]): boolean {
  const all = useScopes();
  return scopes.some((scope) => all.has(scope));
}

/** Whether there is anything to administer. */
export function useIsAdmin(): boolean {
  return [...useScopes()].some((scope) => scope.startsWith("admin:"));
}
