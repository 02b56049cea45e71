import { describe, expect, it } from "vitest";
import type { Signal } from "../core/signal.js";
import type { Driver } from "./driver.js";
import { Listed, withOne } from "./listed.js";
import { ObservableStream } from "./observe.js";

const MISSED: Signal = { type: "missed" };
const LEARNED: Signal = { type: "learned" };

class Letters extends Listed<string> {
  constructor(driver: Driver, read: () => Promise<string[]>) {
    super({
      driver,
      read,
      hear: (signal, items) => (signal.type === "learned" ? "read" : withOne(items, (one) => one, "x", "x")),
    });
  }
}

function made() {
  const signals = new ObservableStream<Signal>();
  const adopted = new Set<{ end(): void }>();
  const driver = {
    signals,
    adopt: (source: { end(): void }) => adopted.add(source),
    release: (source: { end(): void }) => adopted.delete(source),
  } as unknown as Driver;
  const answers: ((items: string[]) => void)[] = [];
  const letters = new Letters(driver, () => new Promise((resolve) => void answers.push(resolve)));
  const answer = async (...items: string[]) => {
    answers.shift()?.(items);
    await new Promise(setImmediate);
  };
  return { letters, signals, answers, answer, adopted };
}

describe("a list of the user's", () => {
  it("is read, and read again when it changed", async () => {
    const { letters, signals, answer } = made();
    const there = letters.refresh();
    await answer("a");
    await there;
    expect(letters.items).toEqual(["a"]);
    signals.emit(LEARNED);
    await answer("a", "b");
    expect(letters.items).toEqual(["a", "b"]);
  });

  it("keeps what is heard while it is read", async () => {
    const { letters, signals, answer } = made();
    const there = letters.refresh();
    signals.emit(MISSED);
    expect(letters.items).toEqual(["x"]);
    await answer("a");
    await there;
    expect(letters.items).toEqual(["a", "x"]);
  });

  it("is read once more, however often it changes while it is read", async () => {
    const { letters, signals, answers, answer } = made();
    const there = letters.refresh();
    for (let n = 0; n < 5; n++) signals.emit(LEARNED);
    expect(answers).toHaveLength(1);
    await answer("old");
    expect(answers).toHaveLength(1);
    await answer("new");
    await there;
    expect([letters.items, answers.length]).toEqual([["new"], 0]);
  });

  it("isn't waited for any longer than wanted, and comes all the same", async () => {
    const { letters, answer } = made();
    const wanted = new AbortController();
    const there = letters.refresh({ signal: wanted.signal });
    wanted.abort(new Error("enough"));
    await expect(there).rejects.toThrow("enough");
    await answer("a");
    expect(letters.items).toEqual(["a"]);
  });

  it("hears nothing any more once it is closed", async () => {
    const { letters, signals, answers, adopted } = made();
    expect(adopted.size).toBe(1);
    const iteration = letters[Symbol.asyncIterator]();
    await iteration.next();
    letters.close();
    expect((await iteration.next()).done).toBe(true);
    signals.emit(LEARNED);
    expect([answers.length, adopted.size]).toEqual([0, 0]);
  });
});

describe("one thing of a list", () => {
  it("comes, takes the place of the one with its key, and goes", () => {
    const key = (one: string) => one.slice(0, 1);
    expect(withOne(["a1"], key, "b", "b1")).toEqual(["a1", "b1"]);
    expect(withOne(["a1", "b1"], key, "a", "a2")).toEqual(["a2", "b1"]);
    expect(withOne(["a1", "b1"], key, "a", undefined)).toEqual(["b1"]);
    expect(withOne(["a1"], key, "c", undefined)).toEqual(["a1"]);
  });
});
