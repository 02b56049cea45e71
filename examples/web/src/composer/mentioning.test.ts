import { expect, test, vi } from "vitest";
import { conversationOf, Mentionable } from "./mentioning.ts";

const ROOM = conversationOf("room", undefined);
const THREAD = conversationOf("room", 7);

test("a mention goes to the conversation it was made in", () => {
  const composers = new Mentionable();
  const [room, thread] = [vi.fn(), vi.fn()];
  composers.add(ROOM, room);
  composers.add(THREAD, thread);
  expect(composers.of(ROOM)).toBe(room);
  expect(composers.of(THREAD)).toBe(thread);
});

test("from outside of conversations it goes to the one opened last", () => {
  const composers = new Mentionable();
  const [room, thread] = [vi.fn(), vi.fn()];
  composers.add(ROOM, room);
  const leave = composers.add(THREAD, thread);
  expect(composers.of(undefined)).toBe(thread);
  leave();
  expect(composers.of(undefined)).toBe(room);
});

test("there is none where nothing can be written, and whoever looks is told", () => {
  const composers = new Mentionable();
  const told = vi.fn();
  composers.subscribe(told);
  expect(composers.of(undefined)).toBeUndefined();
  composers.add(ROOM, vi.fn())();
  expect(composers.of(ROOM)).toBeUndefined();
  expect(told).toHaveBeenCalledTimes(2);
});

test("a composer that went doesn't take the one that came in its place with it", () => {
  const composers = new Mentionable();
  const next = vi.fn();
  const leave = composers.add(ROOM, vi.fn());
  composers.add(ROOM, next);
  leave();
  expect(composers.of(ROOM)).toBe(next);
});
