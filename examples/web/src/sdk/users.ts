/** People in answers of calls that the SDK has no method for, in the shape that its own methods give. */

import type { User, UserId } from "@parlour/client";
import { hexOf, idOf, type User as WireUser } from "@parlour/client/proto";

/** The users of an answer; those without an id are none. */
export function usersIn(wire: readonly WireUser[]): User[] {
  return wire.flatMap(({ id: field, subject, name, kind, profile = {}, deactivated, mark }) => {
    const id = idOf<UserId>(field);
    const known = { subject, name: name || subject, kind, profile, isDeactivated: deactivated, mark };
    return id ? [{ id, avatar: profile.avatar?.length ? hexOf(profile.avatar) : undefined, ...known }] : [];
  });
}
