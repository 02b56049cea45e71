/** People and programs. */

import type { Init } from "../codec/message.js";
import { hashOf } from "../core/record.js";
import type { UserRef } from "../generated/room/v1/room.js";
import type { Profile, User as WireUser } from "../generated/user/v1/user.js";
import { fieldOf, idOf, type UserId } from "../ids.js";

/** A person or program. */
export interface User {
  readonly id: UserId;
  /** The token's `sub`. */
  readonly subject: string;
  /** What they are called, else the subject. */
  readonly name: string;
  /** A person, a program with an account, or an incoming webhook: a `UserKind`. */
  readonly kind: number;
  /** SHA-256 of their picture, in hexadecimal digits: for `picture` of `@parlour/client/files`. */
  readonly avatar: string | undefined;
  /** What else is known of them. */
  readonly profile: Profile;
  /** They are shut out; what they wrote stays. */
  readonly isDeactivated: boolean;
  /** Another one as soon as anything of this is another; 0 where the server doesn't say. */
  readonly mark: number;
}

/** Somebody by id, or by the subject of their tokens. */
export type Who = UserId | { readonly subject: string };

/** Somebody as a request names them. */
export function refOf(who: Who): Init<UserRef> {
  if (typeof who === "string") return { user: { case: "id", value: fieldOf(who) } };
  return { user: { case: "subject", value: who.subject } };
}

/** What the server says of people. */
export function usersOf(wire: readonly WireUser[]): User[] {
  return wire.flatMap(({ id: field, subject, name, kind, profile = {}, deactivated, mark }) => {
    const id = idOf<UserId>(field);
    const avatar = profile.avatar && hashOf(profile.avatar);
    return id
      ? [{ id, subject, name: name || subject, kind, avatar, profile, isDeactivated: deactivated, mark }]
      : [];
  });
}
