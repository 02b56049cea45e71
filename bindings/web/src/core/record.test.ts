import { expect, test } from "vitest";
import type { RoomId } from "../ids.js";
import { Counts } from "./counts.js";
import { restoreRoom, savedRoom, unknownRoom } from "./record.js";

test("what is saved of a room stays as it is while the room changes, and is the room again", () => {
  const room = unknownRoom("01890000-0000-7000-8000-000000000000" as RoomId);
  const counts = new Counts();
  room.threads.push({ rootSeq: 3, head: { ...room.head, seq: 9 }, counts });
  room.polls.push({
    seq: 4,
    counts: [1, 2],
    voters: 3,
    isClosed: false,
    own: [1],
    ownSeq: 5,
    counted: [],
    asOf: 6,
    isStale: false,
  });
  const saved = savedRoom(room);
  const asBefore = structuredClone(saved);
  room.name = "another";
  room.log.to = 7;
  room.polls[0]?.counts.push(5);
  if (room.threads[0]) room.threads[0].head.seq = 10;
  room.counts.marker = { ...room.counts.marker, seq: 8 };
  expect(saved).toEqual(asBefore);
  const restored = restoreRoom(saved);
  expect(restored.counts).toBeInstanceOf(Counts);
  expect(restored.threads[0]?.counts).toBeInstanceOf(Counts);
  expect({ ...restored, name: "another" }).not.toEqual(room);
});
