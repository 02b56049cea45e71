import type { User, UserId } from "@parlour/client";
import { UserKind } from "@parlour/client/proto";
import { type Override, type PermissionName, Permissions } from "@parlour/client/rooms";
import { expect, test } from "vitest";
import { roleOf, rolesOf } from "./roles.ts";

const [ADA, BEN, CAI] = ["ada", "ben", "cai"] as [UserId, UserId, UserId];

function override(subject: Override["subject"], allow: PermissionName, deny?: PermissionName): Override {
  const none = new Permissions();
  return { subject, allow: none.with(allow), deny: deny ? none.with(deny) : none };
}

test("who made the room, who manages it and who moderates it are called so", () => {
  const all = [override({ user: BEN }, "MANAGE_ROOM"), override({ user: CAI }, "MODERATE")];
  expect([...rolesOf(all, ADA)]).toEqual([
    [BEN, "members.manager"],
    [CAI, "members.moderator"],
    [ADA, "members.creator"],
  ]);
});

test("what is said for roles, or taken away again, makes nobody anything", () => {
  const all = [
    override("everyone", "MODERATE"),
    override({ role: "lead" }, "MANAGE_ROOM"),
    override({ user: BEN }, "MODERATE", "MODERATE"),
    override({ user: CAI }, "SEND"),
  ];
  expect(rolesOf(all, undefined).size).toBe(0);
});

test("programs are called so, unless they are more than that", () => {
  const rest = { subject: "", name: "", avatar: undefined, profile: {}, isDeactivated: false, mark: 0 };
  const bot: User = { id: BEN, kind: UserKind.BOT, ...rest };
  expect(roleOf(bot, new Map())).toBe("person.bot");
  expect(roleOf(bot, new Map([[BEN, "members.manager"]]))).toBe("members.manager");
  expect(roleOf({ ...bot, kind: UserKind.PERSON }, new Map())).toBeUndefined();
});
