/** What members of a room are there besides: who made it, who looks after it, which are programs. */

import type { RoomSummary, User, UserId } from "@parlour/client";
import { RoomKind, UserKind } from "@parlour/client/proto";
import { type Override, overrides, type PermissionName } from "@parlour/client/rooms";
import { useEffect, useState } from "react";
import type { Key } from "../i18n/text.ts";
import { useRoom } from "../sdk/context.tsx";

const MANAGING: readonly PermissionName[] = ["MANAGE_PERMISSIONS", "MANAGE_ROOM", "REMOVE_MEMBERS"];

/** Roles by user, of those who have one by the room itself. */
export type Roles = ReadonlyMap<UserId, Key>;

/** What a room says of single users. */
export function rolesOf(all: readonly Override[], creator: UserId | undefined): Roles {
  const roles = new Map<UserId, Key>();
  for (const { subject, allow, deny } of all) {
    if (subject === "everyone" || !("user" in subject)) continue;
    const has = (permission: PermissionName) => allow.has(permission) && !deny.has(permission);
    if (MANAGING.some(has)) roles.set(subject.user, "members.manager");
    else if (has("MODERATE")) roles.set(subject.user, "members.moderator");
  }
  if (creator) roles.set(creator, "members.creator");
  return roles;
}

/** What to call somebody in a room; nothing for most. */
export function roleOf({ id, kind }: User, roles: Roles): Key | undefined {
  const role = roles.get(id);
  return role ?? (kind === UserKind.BOT || kind === UserKind.HOOK ? "person.bot" : undefined);
}

/** Those of a room, as the server says it now; its creator's before that. */
export function useRoles({ id, kind, creator }: RoomSummary): Roles {
  const room = useRoom(id);
  const [said, setSaid] = useState<readonly Override[]>([]);
  useEffect(() => {
    const ended = new AbortController();
    // Without a connection only the creator is known.
    overrides(room, { signal: ended.signal }).then(setSaid, () => undefined);
    return () => ended.abort();
  }, [room]);
  return rolesOf(said, kind === RoomKind.GROUP ? creator : undefined);
}
