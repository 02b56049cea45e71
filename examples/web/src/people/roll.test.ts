import type { User, UserId } from "@parlour/client";
import type { PeoplePage } from "@parlour/client/people";
import { expect, test, vi } from "vitest";
import { fitting, Roll } from "./roll.ts";

function user(name: string): User {
  const id = name.toLowerCase().replace(/\W/g, "") as UserId;
  return { id, subject: id, name, kind: 1, avatar: undefined, profile: {}, isDeactivated: false, mark: 0 };
}

/** A room of so many, in pages. */
function room(size: number, pageSize: number) {
  const pageAt = (at: number): PeoplePage => {
    const count = Math.min(pageSize, size - at);
    const users = Array.from({ length: count }, (_, n) => user(`Member ${at + n}`));
    return { users, next: at + count < size ? async () => pageAt(at + count) : undefined };
  };
  return vi.fn(async (after: PeoplePage | undefined) => (after?.next ? after.next() : pageAt(0)));
}

test("one page of many is read, and the next when it is asked for", async () => {
  const read = room(10_000, 100);
  const roll = new Roll(read);
  await roll.more();
  expect(roll.known.users).toHaveLength(100);
  expect(roll.known.isWhole).toBe(false);
  await roll.more();
  expect(roll.known.users).toHaveLength(200);
  expect(read).toHaveBeenCalledTimes(2);
});

test("two who ask for more at once get the same page", async () => {
  const read = room(1000, 100);
  const roll = new Roll(read);
  await Promise.all([roll.more(), roll.more()]);
  expect(roll.known.users).toHaveLength(100);
});

test("at the end nothing is asked for any more", async () => {
  const read = room(150, 100);
  const roll = new Roll(read);
  for (let at = 0; at < 4; at++) await roll.more();
  expect(roll.known).toMatchObject({ isWhole: true, isLoading: false });
  expect(roll.known.users).toHaveLength(150);
  expect(read).toHaveBeenCalledTimes(2);
});

test("a search reads on until it has found enough, and no further", async () => {
  const read = room(10_000, 100);
  const roll = new Roll(read);
  await roll.find("member 7", 30);
  const { users } = roll.known;
  expect(fitting(users, "member 7").length).toBeGreaterThanOrEqual(30);
  expect(users.length).toBeLessThan(1000);
});

test("a search for nobody ends at the end", async () => {
  const roll = new Roll(room(350, 100));
  await roll.find("nobody");
  expect(roll.known.isWhole).toBe(true);
  expect(fitting(roll.known.users, "nobody")).toEqual([]);
});

test("a search that is given up reads nothing more", async () => {
  const read = room(10_000, 100);
  const roll = new Roll(read);
  const long = roll.find("nobody");
  await roll.find("member");
  await long;
  expect(roll.known.users.length).toBeLessThan(300);
});

test("a search that nobody waits for any more ends", async () => {
  const read = room(10_000, 100);
  const roll = new Roll(read);
  const long = roll.find("nobody");
  roll.stop();
  await long;
  expect(read).toHaveBeenCalledTimes(1);
});

test("a page that doesn't come ends a search, and can be asked for again", async () => {
  const read = room(300, 100);
  read.mockRejectedValueOnce(new Error("away"));
  const roll = new Roll(read);
  await roll.find("member 299", 1);
  expect(roll.known.error).toBeInstanceOf(Error);
  await roll.find("member 299", 1);
  expect(roll.known).toMatchObject({ error: undefined, isWhole: true });
});

test("a roll of one page is read anew when somebody comes, a longer one stays", async () => {
  const small = room(20, 100);
  const roll = new Roll(small);
  await roll.more();
  small.mockResolvedValueOnce({ users: [user("Newcomer")], next: undefined });
  await roll.refresh();
  expect(roll.known.users.map(({ name }) => name)).toEqual(["Newcomer"]);
  const large = room(1000, 100);
  const long = new Roll(large);
  await long.more();
  await long.more();
  await long.refresh();
  expect(long.known.users).toHaveLength(200);
  expect(large).toHaveBeenCalledTimes(2);
});

test("people fit by each word of their name, their handle and their subject", () => {
  const grace = { ...user("Grace Hopper"), profile: { handle: "amazing" } };
  expect(fitting([grace], "HOP gra")).toEqual([grace]);
  expect(fitting([grace], "amaz")).toEqual([grace]);
  expect(fitting([grace], "gracehopper")).toEqual([grace]);
  expect(fitting([grace], "grace kelly")).toEqual([]);
});
