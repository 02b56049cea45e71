/** Everybody: what the directory says of them, and what the server keeps as their account. */

import type { User, UserId } from "@parlour/client";
import type { Account, Membership } from "@parlour/client/admin";
import { UserKind } from "@parlour/client/proto";

/** Somebody, as far as the token lets one see them. */
export interface Person {
  readonly id: UserId;
  readonly subject: string;
  readonly name: string;
  /** As the directory has them. */
  readonly user: User | undefined;
  /** In the organization. */
  readonly role: string | undefined;
  readonly account: Account | undefined;
  readonly isDeactivated: boolean;
  readonly isProgram: boolean;
}

/** Which of them are shown. */
export type Kind = "active" | "admins" | "guests" | "programs" | "deactivated";

/** All kinds, in the order of the page. */
export const KINDS: readonly Kind[] = ["active", "admins", "guests", "programs", "deactivated"];

/** What two lists say of the same people. */
export function peopleOf(members: readonly Membership[], accounts: readonly Account[]): Person[] {
  const left = new Map(accounts.map((account) => [account.user, account]));
  const known = members.map(({ user, role }): Person => {
    const account = left.get(user.id);
    left.delete(user.id);
    const isProgram = account?.isService === true || user.kind === UserKind.BOT;
    const { id, subject, name, isDeactivated } = user;
    return { id, subject, name, user, role, account, isDeactivated, isProgram };
  });
  const others = [...left.values()].map((account): Person => {
    const { user: id, subject, isService: isProgram } = account;
    return {
      id,
      subject,
      name: subject,
      user: undefined,
      role: undefined,
      account,
      isDeactivated: false,
      isProgram,
    };
  });
  return [...known, ...others];
}

/** Those of a kind whose name, subject or handle has all words of the query. */
export function found(people: readonly Person[], kind: Kind, query: string): Person[] {
  const words = query.toLocaleLowerCase().split(/\s+/u).filter(Boolean);
  return people.filter((person) => {
    if (!isOf(person, kind)) return false;
    const { name, subject, user } = person;
    const all =
      `${name} ${subject} ${user?.profile.handle ?? ""} ${user?.profile.title ?? ""}`.toLocaleLowerCase();
    return words.every((word) => all.includes(word));
  });
}

/** Whether somebody is of a kind. */
export function isOf({ role, isDeactivated, isProgram }: Person, kind: Kind): boolean {
  if (kind === "deactivated") return isDeactivated;
  if (isDeactivated) return false;
  if (kind === "admins") return role === "owner" || role === "admin";
  if (kind === "guests") return role === "guest";
  return kind === "programs" ? isProgram : true;
}
