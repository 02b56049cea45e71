/** One suite for every cache: what the port promises. Tests of caches call it. */

import { expect, it } from "vitest";
import * as Kind from "../../generated/kinds.js";
import { MessageEdited } from "../../generated/message/v1/message.js";
import { Counts } from "../counts.js";
import type { LogEvent } from "../event.js";
import type { Entry } from "../outbox.js";
import { unknownRoom } from "../record.js";
import { event, ME, OTHER, posted, ROOM, ref } from "../testing/events.js";
import { type Cache, newMeta, type Run, type Write } from "./cache.js";

function run(from: number, to: number, room = ROOM): Run {
  const events = Array.from({ length: to - from + 1 }, (_, n) => posted(from + n, "body"));
  return { room, from, to, events, isStale: false };
}

function put(from: number, to: number): Write {
  return { type: "run", run: run(from, to) };
}

function entry(order: number): Entry {
  const payload = { type: "react", target: 1, emoji: "👍", on: true } as const;
  const begun = {
    attempts: 0,
    chain: 0,
    refsReplaced: 0,
    state: { type: "queued", notBeforeMs: 0 },
  } as const;
  return { order, room: ROOM, clientRef: ref(order), payload, createdMs: 5, afterSeq: 1, ...begun };
}

async function events(cache: Cache, before = Number.POSITIVE_INFINITY, limit = 1000): Promise<LogEvent[]> {
  const runs = await cache.runs(ROOM, before, limit);
  const all = runs.flatMap((one) => one.events).filter((one) => one.seq < before);
  return all.sort((a, b) => a.seq - b.seq);
}

async function seqs(cache: Cache, before?: number, limit?: number): Promise<number[]> {
  return (await events(cache, before, limit)).map((one) => one.seq);
}

/** Runs the suite. `open` gives an empty cache each time. */
export function conforms(open: () => Promise<Cache>): void {
  it("is empty at first", async () => {
    const cache = await open();
    expect(await cache.load()).toEqual({ meta: newMeta(), rooms: [], outbox: [] });
    expect(await seqs(cache)).toEqual([]);
  });

  it("gives back what was put", async () => {
    const cache = await open();
    const meta = { ...newMeta(), user: ME, userSeq: 7, resume: Uint8Array.of(1, 2), blocked: new Set([ME]) };
    const counts = new Counts(
      { seq: 4, msgNo: 1, bcastNo: 0, setAtSeq: 4, atMs: 0 },
      { messages: 2, mentions: 1 },
    );
    const record = { ...unknownRoom(ROOM), name: "Lunch", log: { from: 3, to: 9 }, counts };
    await cache.commit([
      { type: "meta", meta },
      { type: "room", record: structuredClone(record) },
      ...[2, 1, 3].map((order): Write => ({ type: "outbox", entry: entry(order) })),
      { type: "outbox-gone", order: 3 },
    ]);
    const saved = await cache.load();
    expect(saved.meta).toEqual(meta);
    expect(saved.rooms).toEqual([structuredClone(record)]);
    expect(saved.outbox).toEqual([entry(1), entry(2)]);
  });

  it("gives runs with the newest first, as many as are needed", async () => {
    const cache = await open();
    await cache.commit([put(1, 3), put(5, 6), put(9, 9)]);
    const runs = await cache.runs(ROOM, Number.POSITIVE_INFINITY, 100);
    expect(runs.map(({ from, to }) => [from, to])).toEqual([
      [9, 9],
      [5, 6],
      [1, 3],
    ]);
    expect(await seqs(cache, 7, 2)).toEqual([5, 6]);
    expect(await seqs(cache, 3)).toEqual([1, 2]);
    expect(await cache.runs(OTHER, 100, 100)).toEqual([]);
  });

  it("replaces what a run overlaps", async () => {
    const cache = await open();
    await cache.commit([put(1, 10)]);
    await cache.commit([{ type: "run", run: { ...run(4, 6), events: [posted(5, "new")] } }]);
    expect(await seqs(cache)).toEqual([1, 2, 3, 5, 7, 8, 9, 10]);
    await cache.commit([put(1, 10)]);
    expect(await seqs(cache)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("keeps events that come one by one without a gap between them", async () => {
    const cache = await open();
    for (let seq = 1; seq <= 300; seq++) await cache.commit([put(seq, seq)]);
    const runs = await cache.runs(ROOM, Number.POSITIVE_INFINITY, 1000);
    expect((await seqs(cache)).length).toBe(300);
    const ends = runs.map(({ from, to }) => [from, to]);
    expect(ends.every(([from], at) => at + 1 === ends.length || ends[at + 1]?.[1] === (from ?? 0) - 1)).toBe(
      true,
    );
  });

  it("erases bodies, and those of edits with their message's", async () => {
    const cache = await open();
    const edit = event({ seq: 4, kind: Kind.messageEdited, targetSeq: 2 }, MessageEdited, { text: "body" });
    await cache.commit([put(1, 3), { type: "run", run: { ...run(4, 4), events: [edit] } }]);
    await cache.commit([{ type: "erase", room: ROOM, seqs: new Set([2]) }]);
    const kept = await events(cache);
    expect(kept.map((one) => one.isErased)).toEqual([false, true, false, true]);
    expect(kept[1]?.body.length).toBe(0);
  });

  it("marks as stale what is there by then", async () => {
    const cache = await open();
    await cache.commit([put(1, 2), { type: "stale", room: ROOM }, put(3, 4)]);
    const runs = await cache.runs(ROOM, Number.POSITIVE_INFINITY, 100);
    expect(runs.map((one) => one.isStale)).toEqual([false, true]);
  });

  it("forgets a room with its events", async () => {
    const cache = await open();
    const rooms = [ROOM, OTHER].map((room): Write => ({ type: "room", record: unknownRoom(room) }));
    await cache.commit([...rooms, put(1, 2), { type: "room-gone", room: ROOM }]);
    expect((await cache.load()).rooms.map((record) => record.id)).toEqual([OTHER]);
    expect(await seqs(cache)).toEqual([]);
  });

  it("keeps the outbox over a reset", async () => {
    const cache = await open();
    const record = unknownRoom(ROOM);
    await cache.commit([
      { type: "room", record },
      put(1, 2),
      { type: "outbox", entry: entry(1) },
      { type: "reset" },
    ]);
    const saved = await cache.load();
    expect([saved.rooms.length, saved.outbox.length]).toEqual([0, 1]);
    expect(await seqs(cache)).toEqual([]);
    await cache.commit([{ type: "reset-outbox" }, { type: "sync" }]);
    expect((await cache.load()).outbox).toEqual([]);
  });

  it("keeps bodies as large as they may be", async () => {
    const cache = await open();
    const large = posted(1, "x".repeat(16 * 1024));
    await cache.commit([{ type: "run", run: { ...run(1, 1), events: [large] } }]);
    expect((await events(cache))[0]?.raw).toEqual(large.raw);
  });
}
