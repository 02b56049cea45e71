import type { UserId } from "@parlour/client";
import { describe, expect, test } from "vitest";
import { searchEmoji } from "../emoji/search.ts";
import { chosen } from "../timeline/PollCard.tsx";
import { mentionsIn } from "./draft.ts";
import { triggerAt } from "./trigger.ts";

describe("the word before the caret", () => {
  const at = (text: string) => triggerAt(text, text.length);

  test("asks for people after an @", () => {
    expect(at("hi @yu")).toEqual({ sign: "@", query: "yu", from: 3 });
    expect(at("hi @Yuki Ta")).toEqual({ sign: "@", query: "Yuki Ta", from: 3 });
    expect(at("@")).toEqual({ sign: "@", query: "", from: 0 });
    expect(at("@نور")).toMatchObject({ query: "نور" });
  });

  test("asks for emoji after a colon and two letters", () => {
    expect(at("so :smi")).toEqual({ sign: ":", query: "smi", from: 3 });
    expect(at("at 10:30")).toBeUndefined();
    expect(at(":s")).toBeUndefined();
  });

  test("asks for nothing within addresses", () => {
    expect(at("ada@example")).toBeUndefined();
    expect(at("http://exa")).toBeUndefined();
  });
});

test("only those are mentioned whose names still stand in the text", () => {
  const mentions = { "Yuki Tanaka": "y" as UserId, Ada: "a" as UserId };
  expect(mentionsIn({ text: "hello @Ada", mentions })).toEqual(["a"]);
});

test("emoji are found by name, the best first", () => {
  expect(searchEmoji("tada", 3)[0]?.emoji).toBe("🎉");
  expect(searchEmoji("thumbs", 5).map(({ emoji }) => emoji)).toContain("👍️");
  expect(searchEmoji("zzzz", 5)).toEqual([]);
});

test("a choice is made, changed and taken back", () => {
  expect(chosen([], 1, 1)).toEqual([1]);
  expect(chosen([0], 1, 1)).toEqual([1]);
  expect(chosen([1], 1, 1)).toEqual([]);
  expect(chosen([0, 1], 2, 2)).toEqual([1, 2]);
});
