import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { posted, ROOM } from "../testing/events.js";
import { conforms } from "./conformance.js";
import { IndexedDbCache } from "./indexeddb.js";
import { MemoryCache } from "./memory.js";

let databases = 0;

describe("the cache in memory", () => {
  conforms(async () => new MemoryCache());
});

describe("the cache in IndexedDB", () => {
  conforms(() => IndexedDbCache.open(`test-${databases++}`));

  it("is there again after it was closed", async () => {
    const first = await IndexedDbCache.open("again");
    const run = { room: ROOM, from: 1, to: 1, events: [posted(1, "hi")], isStale: false };
    await first.commit([{ type: "run", run }]);
    first.close();
    const second = await IndexedDbCache.open("again");
    expect((await second.runs(ROOM, 10, 10)).map((one) => one.events.length)).toEqual([1]);
  });
});

describe("a note in a cache", () => {
  it("is what was put there last, also at the next visit and after everything was forgotten", async () => {
    const first = await IndexedDbCache.open("notes");
    expect(await first.note("x")).toBeUndefined();
    await first.putNote("x", { a: 1 });
    await first.putNote("x", { a: 2 });
    await first.commit([{ type: "reset" }]);
    first.close();
    const second = await IndexedDbCache.open("notes");
    expect([await second.note("x"), await second.note("y")]).toEqual([{ a: 2 }, undefined]);
    expect((await second.load()).rooms).toEqual([]);
    second.close();
  });
});

describe("a cache that is deleted", () => {
  it("is empty when it is opened again", async () => {
    const first = await IndexedDbCache.open("gone");
    const run = { room: ROOM, from: 1, to: 1, events: [posted(1, "hi")], isStale: false };
    await first.commit([{ type: "run", run }]);
    first.close();
    await IndexedDbCache.delete("gone");
    const second = await IndexedDbCache.open("gone");
    expect(await second.runs(ROOM, 10, 10)).toEqual([]);
    second.close();
  });
});
