import type { User, UserId } from "@parlour/client";
import type { Account } from "@parlour/client/admin";
import { UserKind } from "@parlour/client/proto";
import { describe, expect, test } from "vitest";
import { found, KINDS, peopleOf } from "./people.ts";

function user(subject: string, more: Partial<User> = {}): User {
  const known = { name: subject.toUpperCase(), kind: UserKind.PERSON, avatar: undefined, profile: {} };
  return { id: subject as UserId, subject, ...known, isDeactivated: false, mark: 0, ...more };
}

function account(subject: string, more: Partial<Account> = {}): Account {
  const none = { createdMs: 1, hasPassword: false, scopes: [], logins: 0, isService: false, keys: 0 };
  return { user: subject as UserId, subject, ...none, ...more };
}

const PEOPLE = peopleOf(
  [
    { user: user("ada", { profile: { handle: "countess" } }), role: "owner" },
    { user: user("ben"), role: "member" },
    { user: user("cyd", { isDeactivated: true }), role: "guest" },
    { user: user("deploy", { kind: UserKind.BOT }), role: "guest" },
  ],
  [account("ben", { logins: 2 }), account("eve"), account("bot", { isService: true })],
);
const subjects = (kind: (typeof KINDS)[number], query = "") =>
  found(PEOPLE, kind, query).map(({ subject }) => subject);

describe("people", () => {
  test("are joined with their accounts; who has only an account is there as well", () => {
    expect(PEOPLE.map(({ subject, account: own }) => [subject, own?.logins])).toEqual([
      ["ada", undefined],
      ["ben", 2],
      ["cyd", undefined],
      ["deploy", undefined],
      ["eve", 0],
      ["bot", 0],
    ]);
  });

  test("are of kinds", () => {
    expect(Object.fromEntries(KINDS.map((kind) => [kind, subjects(kind)]))).toEqual({
      active: ["ada", "ben", "deploy", "eve", "bot"],
      admins: ["ada"],
      guests: ["deploy"],
      programs: ["deploy", "bot"],
      deactivated: ["cyd"],
    });
  });

  test("are found by all words, of names and handles too", () => {
    expect(subjects("active", "ADA count")).toEqual(["ada"]);
    expect(subjects("active", "ada x")).toEqual([]);
  });
});
