import { expect, test, vi } from "vitest";
import { Wish } from "./wish.ts";

/** A server whose answers are given by hand. */
function server() {
  const open: { value: boolean; answer: (taken?: unknown) => void; refuse: () => void }[] = [];
  const ask = vi.fn(
    (value: boolean) =>
      new Promise<unknown>((resolve, reject) => {
        open.push({ value, answer: resolve, refuse: () => reject(new Error("refused")) });
      }),
  );
  return { open, ask };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

test("a wish is shown before the server has answered", () => {
  const { ask } = server();
  const wish = new Wish<boolean>(false, ask);
  wish.wish(true);
  expect(wish.current).toEqual({ shown: true, error: undefined });
});

test("it stays between the answer and what the server tells", async () => {
  const { ask, open } = server();
  const wish = new Wish<boolean>(false, ask);
  wish.wish(true);
  open[0]?.answer();
  await settle();
  expect(wish.current.shown).toBe(true);
  wish.told(true);
  expect(wish.current.shown).toBe(true);
  // Another device.
  wish.told(false);
  expect(wish.current.shown).toBe(false);
});

test("it is put back, with the reason, where it is refused", async () => {
  const { ask, open } = server();
  const wish = new Wish<boolean>(false, ask);
  wish.wish(true);
  open[0]?.refuse();
  await settle();
  expect(wish.current).toEqual({ shown: false, error: new Error("refused") });
  wish.wish(true);
  expect(wish.current.error).toBeUndefined();
});

test("it is put back without a word where that was said already", async () => {
  const { ask, open } = server();
  const wish = new Wish<boolean>(false, ask);
  wish.wish(true);
  open[0]?.answer(false);
  await settle();
  expect(wish.current).toEqual({ shown: false, error: undefined });
});

test("wishes are asked for one after the other, and of several only the last", async () => {
  const { ask, open } = server();
  const wish = new Wish<boolean>(false, ask);
  for (const value of [true, false, true, false]) wish.wish(value);
  expect(ask).toHaveBeenCalledTimes(1);
  open[0]?.answer();
  await settle();
  expect(open.map(({ value }) => value)).toEqual([true, false]);
  expect(wish.current.shown).toBe(false);
  open[1]?.answer();
  await settle();
  expect(wish.current).toEqual({ shown: false, error: undefined });
});

test("a refusal of an earlier wish doesn't undo a later one", async () => {
  const { ask, open } = server();
  const wish = new Wish<boolean>(false, ask);
  wish.wish(true);
  wish.wish(false);
  wish.wish(true);
  open[0]?.refuse();
  await settle();
  expect(wish.current.shown).toBe(true);
  open[1]?.answer();
  await settle();
  expect(wish.current).toEqual({ shown: true, error: undefined });
});
