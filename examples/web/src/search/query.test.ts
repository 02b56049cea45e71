import { expect, test } from "vitest";
import { dayStartOf, parseQuery } from "./query.ts";

const NOTHING = { phrases: [], hasFile: false, hasLink: false, afterMs: undefined, beforeMs: undefined };

test("words are words", () => {
  expect(parseQuery("  wind   vane ")).toEqual({ ...NOTHING, text: "wind vane" });
});

test("what stands in quotation marks is a phrase", () => {
  expect(parseQuery('the "wind vane" broke “last night”')).toEqual({
    ...NOTHING,
    text: "the broke",
    phrases: ["wind vane", "last night"],
  });
});

test("narrowings may be typed", () => {
  expect(parseQuery("report has:file HAS:link after:2026-11-01 before:2026-11-27")).toEqual({
    text: "report",
    phrases: [],
    hasFile: true,
    hasLink: true,
    afterMs: new Date(2026, 10, 1).getTime(),
    beforeMs: new Date(2026, 10, 27).getTime(),
  });
});

test("what only looks like a narrowing is searched for", () => {
  expect(parseQuery("has:hope before:lunch").text).toBe("has:hope before:lunch");
  expect(dayStartOf("2026-02-31")).toBeUndefined();
});
