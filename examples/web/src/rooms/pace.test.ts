import { RoomKind } from "@parlour/client/proto";
import { describe, expect, test } from "vitest";
import { duration } from "../i18n/dates.ts";
import { byTwo, EXPIRIES_S, offered, PACES_S } from "./pace.ts";

describe("what is proposed", () => {
  test("has what holds now in its place, once", () => {
    expect(offered(PACES_S, 60)).toBe(PACES_S);
    expect(offered([0, 10, 60], 15)).toEqual([0, 10, 15, 60]);
    expect(offered([0, 10], 3_600)).toEqual([0, 10, 3_600]);
  });

  test("is what the server takes", () => {
    for (const seconds of PACES_S) expect(seconds).toBeLessThanOrEqual(21_600);
    for (const seconds of EXPIRIES_S.slice(1)) {
      expect(seconds).toBeGreaterThanOrEqual(5);
      expect(seconds).toBeLessThanOrEqual(31_536_000);
    }
  });

  test("is the room's own matter where nobody manages it", () => {
    expect([RoomKind.DIRECT, RoomKind.USER].map(byTwo)).toEqual([true, true]);
    expect([RoomKind.GROUP, RoomKind.TEAM, RoomKind.ORGANIZATION].some(byTwo)).toBe(false);
  });
});

describe("a duration", () => {
  test("is said in the largest unit that it is a whole number of", () => {
    expect([1, 90, 300, 3_600, 5_400, 86_400, 7_776_000].map((it) => duration(it))).toEqual([
      "1 second",
      "90 seconds",
      "5 minutes",
      "1 hour",
      "90 minutes",
      "1 day",
      "90 days",
    ]);
  });
});
