import { describe, expect, it } from "vitest";
import { FEED_DIFFS_MAX } from "../limits.js";
import { ObservableList, ObservableValue } from "./observe.js";

describe("an observable list", () => {
  it("begins with what is there and goes on with its changes", async () => {
    const list = new ObservableList(["a"]);
    const diffs = list[Symbol.asyncIterator]();
    expect((await diffs.next()).value).toEqual({ type: "reset", items: ["a"] });
    const next = diffs.next();
    list.change([{ type: "insert", index: 1, item: "b" }]);
    expect((await next).value).toEqual({ type: "insert", index: 1, item: "b" });
    expect(list.items).toEqual(["a", "b"]);
  });

  it("is another array after each change, and the same one without", () => {
    const list = new ObservableList(["a"]);
    const before = list.items;
    list.change([]);
    expect(list.items).toBe(before);
    list.change([{ type: "update", index: 0, item: "b" }]);
    expect([before, list.items]).toEqual([["a"], ["b"]]);
  });

  it("gives the whole to an observer that is far behind", async () => {
    const list = new ObservableList<number>();
    const diffs = list[Symbol.asyncIterator]();
    for (let n = 0; n < FEED_DIFFS_MAX; n++) list.change([{ type: "insert", index: n, item: n }]);
    expect((await diffs.next()).value).toEqual({ type: "reset", items: list.items });
  });

  it("tells nobody any more who has left, and ends with its client", async () => {
    const list = new ObservableList<string>();
    let told = 0;
    const leave = list.subscribe(() => told++);
    list.change([{ type: "insert", index: 0, item: "a" }]);
    leave();
    list.change([{ type: "remove", index: 0 }]);
    expect(told).toBe(1);
    const seen: string[] = [];
    const iteration = (async () => {
      for await (const diff of list) seen.push(diff.type);
    })();
    list.end();
    await iteration;
    expect(seen).toEqual(["reset"]);
    for await (const diff of list) seen.push(diff.type);
    expect(seen).toEqual(["reset", "reset"]);
  });
});

describe("an observable value", () => {
  it("begins with the present one, and of several gives the newest", async () => {
    const value = new ObservableValue(1);
    const values = value[Symbol.asyncIterator]();
    expect((await values.next()).value).toBe(1);
    value.set(2);
    value.set(3);
    expect((await values.next()).value).toBe(3);
    await values.return?.();
    expect((await values.next()).done).toBe(true);
  });
});
