import type { TimelineItem, UserId } from "@parlour/client";
import { testMessage } from "@parlour/client/testing";
import { expect, test } from "vitest";
import { placesOf } from "./seen.ts";

const items: TimelineItem[] = [2, 5, 9].map((number) => testMessage({ place: { in: "log", number } }));
const read = (user: string, seq: number, atMs = 0) => ({ user: user as UserId, seq, atMs });

test("each stands under the last message they have read, who read last first", () => {
  const places = placesOf([read("ben", 5, 1), read("eve", 7, 2), read("kim", 9)], items, undefined);
  expect([...places]).toEqual([
    [5, ["eve", "ben"]],
    [9, ["kim"]],
  ]);
});

test("the user, and who has read nothing of it, stand nowhere", () => {
  expect(placesOf([read("me", 9), read("ben", 1)], items, "me" as UserId).size).toBe(0);
});
