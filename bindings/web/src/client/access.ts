/** What one may do in a room, and who decides it (PROTOCOL.md, section 20). */

import { Permission, type PermissionOverride } from "../generated/access/v1/access.js";
import { GetAccess, SetOverrides } from "../generated/rpc.js";
import { fieldOf, idOf, type UserId } from "../ids.js";
import type { CallOptions } from "./call.js";
import type { Room } from "./room.js";

/** A permission by its name in the protocol, such as `"SEND"`. */
export type PermissionName = Exclude<keyof typeof Permission, "UNSPECIFIED">;

/** A set of permissions. Those of a later version are kept. */
export class Permissions {
  constructor(
    /** As the protocol has them: permission number n is the bit `1 << (n - 1)`. */
    readonly bits: number = 0,
  ) {}

  /** Whether the permission is among them. */
  has(permission: PermissionName): boolean {
    return Math.floor(this.bits / bitOf(permission)) % 2 === 1;
  }

  /** These and one more. */
  with(permission: PermissionName): Permissions {
    return this.has(permission) ? this : new Permissions(this.bits + bitOf(permission));
  }

  /** These without one. */
  without(permission: PermissionName): Permissions {
    return this.has(permission) ? new Permissions(this.bits - bitOf(permission)) : this;
  }
}

function bitOf(permission: PermissionName): number {
  return 2 ** (Permission[permission] - 1);
}

/** What a room says otherwise than the level above it: for everyone, those with a role, or one user. */
export interface Override {
  readonly subject: "everyone" | { readonly role: string } | { readonly user: UserId };
  /** Permissions given. */
  readonly allow: Permissions;
  /** Permissions taken; beats what the same room gives. */
  readonly deny: Permissions;
}

/** What the user may do here, as of now. Fails with `ROOM_NOT_FOUND` when they aren't in it. */
export async function permissions(room: Room, options: CallOptions = {}): Promise<Permissions> {
  const answer = await room.client.call(GetAccess, { room: fieldOf(room.id) }, options);
  return new Permissions(answer.permissions);
}

/** What the room itself says of permissions. What nodes above it say isn't shown. */
export async function overrides(room: Room, options: CallOptions = {}): Promise<Override[]> {
  const answer = await room.client.call(GetAccess, { room: fieldOf(room.id) }, options);
  return answer.overrides.flatMap((wire) => overrideOf(wire) ?? []);
}

/**
 * Replaces what the room says of permissions: at most 100, one for each role or user. Fails with `NOT_ALLOWED` without
 * `"MANAGE_PERMISSIONS"`, or for what the user doesn't have themselves; with `INVALID_FIELD` and `DIRECT_ROOM`.
 */
export async function setOverrides(
  room: Room,
  all: readonly Override[],
  options: CallOptions = {},
): Promise<void> {
  const request = { room: fieldOf(room.id), overrides: all.map(wireOf) };
  await room.client.call(SetOverrides, request, options);
}

/**
 * Lets only those write who may change permissions, or everyone again. What else the room says stays. Fails as
 * `setOverrides`.
 */
export async function setAnnouncementsOnly(
  room: Room,
  only: boolean,
  options: CallOptions = {},
): Promise<void> {
  const all = await overrides(room, options);
  const nothing = { subject: "everyone", allow: new Permissions(), deny: new Permissions() } as const;
  const { allow, deny } = all.find(({ subject }) => subject === "everyone") ?? nothing;
  const rest = all.filter(({ subject }) => subject !== "everyone");
  const everyone = { ...nothing, allow, deny: only ? deny.with("SEND") : deny.without("SEND") };
  const says = everyone.allow.bits > 0 || everyone.deny.bits > 0;
  await setOverrides(room, says ? [...rest, everyone] : rest, options);
}

/** What the name of a role can't be. */
const EVERYONE = "everyone";

/** @internal */
export function wireOf({ subject, allow, deny }: Override) {
  const bits = { allow: allow.bits, deny: deny.bits };
  if (subject === EVERYONE) return { ...bits, subject: { case: "role", value: EVERYONE } as const };
  if ("role" in subject) return { ...bits, subject: { case: "role", value: subject.role } as const };
  return { ...bits, subject: { case: "user", value: fieldOf(subject.user) } as const };
}

/** @internal */
export function overrideOf({ subject, allow, deny }: PermissionOverride): Override | undefined {
  const whose = subject && subjectOf(subject);
  return whose && { subject: whose, allow: new Permissions(allow), deny: new Permissions(deny) };
}

function subjectOf(subject: NonNullable<PermissionOverride["subject"]>): Override["subject"] | undefined {
  if (subject.case === "role") return subject.value === EVERYONE ? EVERYONE : { role: subject.value };
  const user = idOf<UserId>(subject.value);
  return user && { user };
}
