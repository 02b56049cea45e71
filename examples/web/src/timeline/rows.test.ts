import type { Message, TimelineItem } from "@parlour/client";
import { describe, expect, test } from "vitest";
import { messageAt } from "./place.ts";
import { rowsAfter, rowsOf, shiftOf } from "./rows.ts";

const NOON = new Date(2026, 10, 27, 12).getTime();
const MINUTE = 60_000;

function message(seq: number, over: Partial<Message> = {}): Message {
  const plain = {
    type: "message",
    place: { in: "log", number: seq },
    key: `m${seq}`,
    sender: "ada",
    atMs: NOON + seq * MINUTE,
  };
  return { ...plain, isOwn: false, isDeleted: false, replyTo: undefined, seq, ...over } as unknown as Message;
}

const types = (items: TimelineItem[], readSeq?: number) => rowsOf(items, readSeq).map(({ type }) => type);
const heads = (items: TimelineItem[]) =>
  rowsOf(items, undefined).flatMap((row) => (row.type === "message" ? [row.isHead] : []));

describe("rows", () => {
  test("of one sender within minutes stand under one name", () => {
    expect(heads([message(1), message(2), message(3)])).toEqual([true, false, false]);
  });

  test("of another sender, after a pause, or with a quote begin anew", () => {
    const items = [
      message(1),
      message(2, { sender: "ben" as never }),
      message(20, { sender: "ben" as never }),
      message(21, { sender: "ben" as never, replyTo: 1 }),
    ];
    expect(heads(items)).toEqual([true, true, true, true]);
  });

  test("begin each day with its name", () => {
    expect(types([message(1), message(2, { atMs: NOON + 24 * 60 * MINUTE })])).toEqual([
      "top",
      "day",
      "message",
      "day",
      "message",
    ]);
  });

  test("have the unread line before the first message of others", () => {
    const items = [message(1), message(2, { isOwn: true }), message(3)];
    expect(types(items, 1)).toEqual(["top", "day", "message", "message", "unread", "message"]);
    expect(types(items, 3)).not.toContain("unread");
    expect(types(items)).not.toContain("unread");
  });

  test("are taken over where nothing is another than before", () => {
    const items = Array.from({ length: 2000 }, (_, at) => message(at + 1));
    const made = rowsAfter(undefined, items, 5);
    const grown = rowsAfter(made, [...items, message(2001)], 5);
    expect(grown.rows).toHaveLength(made.rows.length + 1);
    expect(grown.rows.filter((row, at) => row === made.rows[at])).toHaveLength(made.rows.length);
  });

  test("are the same whether they are made at once or bit by bit", () => {
    const items = Array.from({ length: 40 }, (_, at) =>
      message(at + 1, { atMs: NOON + at * 97 * MINUTE, isOwn: at % 5 === 0 }),
    );
    let made = rowsAfter(undefined, [], 12);
    for (let at = 1; at <= items.length; at++) made = rowsAfter(made, items.slice(0, at), 12);
    expect(made.rows).toEqual(rowsOf(items, 12));
    const changed = items.with(20, message(21, { text: "other" }));
    expect(rowsAfter(made, changed, 12).rows).toEqual(rowsOf(changed, 12));
  });

  test("say whether they grew at their beginning", () => {
    const rows = (from: number, to: number) =>
      rowsOf(
        Array.from({ length: to - from }, (_, at) => message(from + at)),
        undefined,
      );
    expect(shiftOf(rows(5, 9), rows(1, 9))).toBe(true);
    expect(shiftOf(rows(5, 9), rows(5, 12))).toBe(false);
    expect(shiftOf(rows(5, 9), rows(5, 9))).toBe(false);
  });
});

test("a message is found by its number, also among gaps", () => {
  const items = [1, 4, 9, 20].map((seq) => message(seq));
  expect(messageAt(items, 9)).toBe(items[2]);
  expect(messageAt(items, 10)).toBeUndefined();
  expect(messageAt([], 1)).toBeUndefined();
});
