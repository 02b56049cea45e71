import { expect, test } from "vitest";
import { bytesOf, numberOf, spanOf } from "./format.ts";

test("sizes are in the unit that fits", () => {
  expect([0, 999, 1500, 2_340_000, 7e15].map(bytesOf)).toEqual([
    "0 kB",
    "1 kB",
    "1.5 kB",
    "2.3 MB",
    "7,000 TB",
  ]);
});

test("spans are in their two largest units", () => {
  expect([0, 59, 61, 3600, 90_061].map(spanOf)).toEqual([
    "0 seconds",
    "59 seconds",
    "1 minute 1 second",
    "1 hour",
    "1 day 1 hour",
  ]);
});

test("numbers have their separators", () => {
  expect(numberOf(1204.25)).toBe("1,204.3");
});
