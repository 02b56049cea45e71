import { describe, expect, test } from "vitest";
import { fieldTime, mornings, reminderTimes } from "./times.ts";

const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute).getTime();
const labels = (offered: { label: string }[]) => offered.map(({ label }) => label);

describe("times for later", () => {
  test("are tomorrow and on Monday, in the morning", () => {
    expect(mornings(at(27, 15))).toEqual([
      { label: "later.tomorrow", atMs: at(28, 9) },
      { label: "later.monday", atMs: at(30, 9) },
    ]);
  });

  test("name no day twice", () => {
    expect(labels(mornings(at(29, 15)))).toEqual(["later.tomorrow"]);
  });

  test("are a week away on a Monday", () => {
    expect(mornings(at(30, 15)).at(-1)).toEqual({ label: "later.monday", atMs: at(37, 9) });
  });

  test("are this morning for who is up at night", () => {
    expect(mornings(at(27, 2))[0]).toEqual({ label: "later.morning", atMs: at(27, 9) });
  });

  test("begin in some minutes for reminders", () => {
    expect(reminderTimes(at(27, 15))[0]?.atMs).toBe(at(27, 15, 20));
  });

  test("are written as the browser's field wants them", () => {
    expect(fieldTime(at(5, 7, 4))).toBe("2026-11-05T07:04");
  });
});
