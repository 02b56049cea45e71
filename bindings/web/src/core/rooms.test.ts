import { describe, expect, it } from "vitest";
import { RoomKind } from "../generated/room/v1/room.js";
import type { RoomId } from "../ids.js";
import { NEVER } from "../time.js";
import { applyDiff } from "./diff.js";
import { RoomList, type RoomSummary } from "./rooms.js";
import { at, id, ME, YOU } from "./testing/events.js";

const room = (n: number) => id<RoomId>(n);

function put(list: RoomList, n: number, atMs: number): void {
  const record = list.entry(room(n));
  record.kind = RoomKind.GROUP;
  record.head = { ...record.head, atMs };
  list.touch(room(n));
}

describe("the list of rooms", () => {
  it("has the newest first, and diffs lead there", () => {
    const list = new RoomList();
    const observed: RoomSummary[] = [];
    for (const [n, atMs] of [
      [1, 10],
      [2, 30],
      [3, 20],
      [1, 40],
      [3, 41],
      [2, 30],
    ] as const) {
      put(list, n, atMs);
      for (const diff of list.takeDiffs()) applyDiff(diff, observed);
      expect(observed).toEqual(list.items);
    }
    expect(observed.map((one) => one.id)).toEqual([room(3), room(1), room(2)]);
    list.remove(room(1));
    for (const diff of list.takeDiffs()) applyDiff(diff, observed);
    expect(observed.map((one) => one.id)).toEqual([room(3), room(2)]);
  });

  it("tells nothing where nothing has changed", () => {
    const list = new RoomList();
    put(list, 1, 10);
    list.takeDiffs();
    list.touch(room(1));
    expect(list.takeDiffs()).toEqual([]);
  });

  it("doesn't show a room that isn't described yet", () => {
    const list = new RoomList();
    list.entry(room(1));
    list.touch(room(1));
    expect([list.items.length, list.size]).toEqual([0, 1]);
  });

  it("forgets after 6 s who is typing", () => {
    const list = new RoomList();
    put(list, 1, 10);
    list.handleTyping(room(1), ME, true, at(0));
    list.handleTyping(room(1), YOU, true, at(3000));
    expect(list.summary(room(1))?.typing).toEqual([ME, YOU]);
    expect(list.timeoutMs).toBe(6000);
    list.handleTimeout(at(6000));
    expect(list.summary(room(1))?.typing).toEqual([YOU]);
    list.handleTyping(room(1), YOU, false, at(7000));
    expect(list.summary(room(1))?.typing).toEqual([]);
    expect(list.timeoutMs).toBe(NEVER);
  });
});
