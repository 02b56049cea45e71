import { expect, test } from "vitest";
import { inputOf, tomorrowMorning } from "./times.ts";

test("tomorrow begins at eight, also at the end of a month", () => {
  expect(tomorrowMorning(new Date(2026, 0, 31, 23, 30))).toBe(new Date(2026, 1, 1, 8).getTime());
});

test("a field has a local time to the minute", () => {
  expect(inputOf(new Date(2026, 8, 3, 7, 5, 59))).toBe("2026-09-03T07:05");
});
