import type { RoomSummary } from "@parlour/client";
import { RoomKind } from "@parlour/client/proto";
import { describe, expect, test } from "vitest";
import { hashOf, parseRoute } from "../app/route.ts";
import { isNews, loudCount } from "../notify/news.ts";
import { matchRooms } from "./match.ts";
import { sectionsOf } from "./sections.ts";

const ID = "01890000-0000-7000-8000-000000000000";

function room(name: string, over: Partial<RoomSummary> = {}): RoomSummary {
  const counts = { unread: 0, mentions: 0, threadUnread: 0, threadMentions: 0 };
  return {
    id: name,
    kind: RoomKind.GROUP,
    isDirect: false,
    name,
    settings: undefined,
    ...counts,
    ...over,
  } as RoomSummary;
}

const direct = (name: string, over: Partial<RoomSummary> = {}) =>
  room(name, { kind: RoomKind.DIRECT, isDirect: true, ...over });
const settings = (over: object) => ({ level: 0, mutedUntilMs: 0, favourite: false, section: "", ...over });

describe("sections", () => {
  const shape = (rooms: RoomSummary[]) =>
    sectionsOf(rooms, ({ name }) => name, "en").map(({ id, rooms: some }) => [
      id,
      some.map((it) => `${"-".repeat(it.depth)}${it.room.name}`),
    ]);

  test("sort groups by name and leave directs as they come", () => {
    expect(shape([room("b"), direct("z"), room("A"), direct("y")])).toEqual([
      ["groups", ["A", "b"]],
      ["directs", ["z", "y"]],
    ]);
  });

  test("follow what a room is called, and nothing else about it", () => {
    const called = (name: string, unread: number) => room("one", { name, unread });
    const order = (one: RoomSummary) => shape([room("b"), one])[0]?.[1];
    expect(order(called("a", 0))).toEqual(["a", "b"]);
    expect(order(called("a", 5))).toEqual(["a", "b"]);
    expect(order(called("c", 5))).toEqual(["b", "c"]);
  });

  test("have favourites and the user's own headings first", () => {
    const rooms = [
      room("a", { settings: settings({ section: "Work" }) }),
      room("b", { settings: settings({ favourite: true }) }),
    ];
    expect(shape(rooms).map(([id]) => id)).toEqual(["favourites", "own-Work", "groups", "directs"]);
  });

  test("show the directory as a tree", () => {
    const parts = [
      room("team", { kind: RoomKind.TEAM, parent: "dep" as never }),
      room("org", { kind: RoomKind.ORGANIZATION }),
      room("dep", { kind: RoomKind.DEPARTMENT, parent: "org" as never }),
    ];
    expect(shape(parts).at(-1)).toEqual(["organization", ["org", "-dep", "--team"]]);
  });
});

describe("the quick switcher", () => {
  const found = (
    query: string,
    rooms = [room("Design review"), room("Übergabe"), room("Kitchen table", { unread: 1 })],
  ) => matchRooms(rooms, ({ name }) => name, query, 5).map(({ name }) => name);

  test("finds beginnings before what stands within, without accents", () => {
    expect(found("re")).toEqual(["Design review", "Übergabe"]);
    expect(found("uber")).toEqual(["Übergabe"]);
    expect(found("kt")).toEqual(["Kitchen table"]);
  });

  test("shows what is unread where nothing is asked for", () => {
    expect(found("")[0]).toBe("Kitchen table");
  });
});

describe("news", () => {
  test("are mentions, and all messages of direct rooms", () => {
    expect(isNews(room("a"), room("a", { unread: 1 }), 0)).toBe(false);
    expect(isNews(room("a"), room("a", { unread: 1, mentions: 1 }), 0)).toBe(true);
    expect(isNews(direct("a"), direct("a", { unread: 1 }), 0)).toBe(true);
  });

  test("are never of muted rooms, nor of those that came just now", () => {
    const muted = { settings: settings({ mutedUntilMs: 10 }) };
    expect(isNews(direct("a"), direct("a", { unread: 1, ...muted }), 5)).toBe(false);
    expect(isNews(undefined, direct("a", { unread: 1 }), 5)).toBe(false);
    expect(
      loudCount(
        [direct("a", { unread: 2 }), room("b", { mentions: 1 }), direct("c", { unread: 4, ...muted })],
        5,
      ),
    ).toBe(3);
  });
});

test("places in the app are read from addresses, and wrong ones are home", () => {
  expect(parseRoute(hashOf.message(ID as never, 7))).toEqual({
    is: "room",
    room: ID,
    aside: undefined,
    at: 7,
  });
  expect(parseRoute(hashOf.thread(ID as never, 7))).toMatchObject({ aside: { is: "thread", root: 7 } });
  expect(parseRoute("#/room/nonsense").is).toBe("home");
  expect(parseRoute(`#/room/${ID}/at/-1`)).toMatchObject({ at: undefined });
});
