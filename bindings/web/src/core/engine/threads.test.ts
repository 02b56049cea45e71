import { describe, expect, it } from "vitest";
import type { Init, MessageType } from "../../codec/message.js";
import * as Kind from "../../generated/kinds.js";
import { MarkerMoved } from "../../generated/marker/v1/marker.js";
import { ListThreads, ReadThread, ReadTimeline, Sync } from "../../generated/rpc.js";
import type { RoomDigest, SyncItem } from "../../generated/sync/v1/sync.js";
import { ThreadFollowed, ThreadMarkerMoved, ThreadUnfollowed } from "../../generated/thread/v1/thread.js";
import { ErrorReason, Retry } from "../../generated/wire/v1/error.js";
import { fieldOf } from "../../ids.js";
import { digest, TestClient, wire } from "../testing/client.js";
import { event, ME, posted, ROOM, refusal } from "../testing/events.js";

const reply = (seq: number, threadNo: number, header = {}) =>
  posted(seq, `reply ${threadNo}`, { msgNo: 10, threadRootSeq: 5, threadNo, ...header });
const followed = {
  thread: { rootSeq: 5, threadNo: 1, changedSeq: 8 },
  marker: { seq: 8, msgNo: 1 },
  unread: {},
};
const room = { room: fieldOf(ROOM), rootSeq: 5 };

function told<T>(client: TestClient, seq: number, kind: number, type: MessageType<T>, body: Init<T>): void {
  client.engine.handleLive({ type: "user", events: [event({ seq, kind }, type, body)] }, client.now);
}

async function following(): Promise<TestClient> {
  const client = await TestClient.start();
  client.welcome();
  client.sync([digest(10, { threads: [followed] })]);
  return client;
}

describe("a thread that the user follows", () => {
  it("counts its replies by itself, and not in its room", async () => {
    const client = await following();
    client.hear(reply(11, 2), reply(12, 3, { mentions: [fieldOf(ME)] }));
    expect(client.engine.room(ROOM)).toMatchObject({
      unread: 0,
      threadUnread: 2,
      threadMentions: 1,
      lastSeq: 12,
    });
    told(client, 1, Kind.threadMarkerMoved, ThreadMarkerMoved, {
      ...room,
      marker: { seq: 12, msgNo: 3, setAtSeq: 12 },
    });
    expect(client.engine.room(ROOM)).toMatchObject({ threadUnread: 0, threadMentions: 0 });
  });

  it("is read by an own reply", async () => {
    const client = await following();
    client.hear(reply(11, 2), reply(12, 3, { sender: fieldOf(ME) }));
    expect(client.engine.room(ROOM)?.threadUnread).toBe(0);
  });

  it("is told by the server where it may have been seen before", async () => {
    const client = await TestClient.live();
    told(client, 1, Kind.threadFollowed, ThreadFollowed, { ...room, marker: { seq: 7, msgNo: 1 } });
    client.pass(2000);
    expect(client.reads(Sync)).toHaveLength(1);
    told(client, 2, Kind.threadUnfollowed, ThreadUnfollowed, room);
    client.hear(reply(11, 2));
    expect(client.engine.room(ROOM)?.threadUnread).toBe(0);
  });

  it("is counted again as long as digests are older than its room", async () => {
    const client = await TestClient.live();
    client.hear(reply(11, 2));
    told(client, 1, Kind.threadFollowed, ThreadFollowed, { ...room, marker: { seq: 7, msgNo: 1 } });
    client.pass(2000);
    client.hear(posted(12, "meanwhile"));
    client.sync([digest(11, { threads: [{ ...followed, unread: { messages: 1 } }] })]);
    expect(client.engine.room(ROOM)?.threadUnread).toBe(0);
    client.pass(2000);
    client.sync([digest(12, { threads: [{ ...followed, unread: { messages: 1 } }] })]);
    expect(client.engine.room(ROOM)?.threadUnread).toBe(1);
    client.pass(60_000);
    expect(client.reads(Sync)).toHaveLength(0);
  });
});

describe("a thread that a sync leaves out, since nothing has happened in its room", () => {
  const asked = (client: TestClient) => client.calls(ListThreads);
  const counted = (changedSeq: number, messages: number, rootSeq = 5) => ({
    ...{ ...followed, room: fieldOf(ROOM), unread: { messages } },
    thread: { rootSeq, threadNo: 3, changedSeq },
  });

  /** Time passes until counts are asked for again, and the digests have nothing new. */
  function syncOfNothing(client: TestClient): void {
    client.pass(10_000);
    const [sync] = client.reads(Sync).slice(-1);
    client.item(sync?.id ?? 0, Sync, { item: { case: "user", value: { asOfSeq: 1 } } });
    client.item(sync?.id ?? 0, Sync, { item: { case: "done", value: { watermarkMs: 5, roomCount: 1 } } });
    client.end(sync?.id ?? 0);
  }

  async function doubting(): Promise<TestClient> {
    const client = await TestClient.live();
    told(client, 1, Kind.threadFollowed, ThreadFollowed, { ...room, marker: { seq: 7, msgNo: 1 } });
    syncOfNothing(client);
    return client;
  }

  it("is asked for page by page until it is known", async () => {
    const client = await doubting();
    const [first] = asked(client);
    const page = new Uint8Array([2]);
    client.answer(first?.id, ListThreads, { threads: [counted(9, 7, 3)], nextPage: page });
    expect(client.engine.room(ROOM)?.threadUnread).toBe(0);
    const [second] = asked(client);
    expect(second?.request.page).toEqual(page);
    client.answer(second?.id, ListThreads, { threads: [counted(9, 3)], nextPage: page });
    expect(client.engine.room(ROOM)?.threadUnread).toBe(3);
    client.pass(60_000);
    expect([asked(client), client.reads(Sync)]).toEqual([[], []]);
  });

  it("is asked for again where the server puts it off", async () => {
    const client = await doubting();
    const [first] = asked(client);
    client.refuse(first?.id ?? 0, refusal(ErrorReason.RATE_LIMITED, Retry.AFTER_DELAY));
    expect(asked(client)).toEqual([]);
    syncOfNothing(client);
    expect(asked(client)).toHaveLength(1);
  });

  it("isn't told by an answer from before its last reply", async () => {
    const client = await doubting();
    const [first] = asked(client);
    client.hear(reply(11, 4));
    client.answer(first?.id, ListThreads, { threads: [counted(9, 3)] });
    syncOfNothing(client);
    const [second] = asked(client);
    client.answer(second?.id, ListThreads, { threads: [counted(11, 4)] });
    expect(client.engine.room(ROOM)?.threadUnread).toBe(4);
  });
});

describe("what the user's own log says while a sync is under way", () => {
  const digests = (client: TestClient, rooms: readonly Init<RoomDigest>[]) => {
    const [sync] = client.reads(Sync).slice(-1);
    const item = (value: Init<SyncItem>) => client.item(sync?.id ?? 0, Sync, value);
    item({ item: { case: "user", value: { asOfSeq: 1 } } });
    told(client, 2, Kind.threadFollowed, ThreadFollowed, { ...room, marker: { seq: 7, msgNo: 1 } });
    told(client, 3, Kind.markerMoved, MarkerMoved, { room: fieldOf(ROOM), marker: { seq: 10, msgNo: 10 } });
    item({ item: { case: "digests", value: { rooms } } });
    item({ item: { case: "done", value: { watermarkMs: 5, roomCount: 1 } } });
    client.end(sync?.id ?? 0);
  };

  it("holds against a digest that was read before", async () => {
    const client = await TestClient.start();
    client.welcome();
    digests(client, [digest(10, { marker: { seq: 4, msgNo: 4 }, unread: { messages: 6 } })]);
    expect(client.engine.room(ROOM)).toMatchObject({ unread: 0, readSeq: 10 });
    client.hear(reply(11, 2));
    expect(client.engine.room(ROOM)?.threadUnread).toBe(1);
  });
});

describe("a thread that is open", () => {
  const scope = { room: ROOM, root: 5 };

  it("is read page by page, with its root at the start", async () => {
    const client = await TestClient.live(100);
    await client.open(scope);
    const [read] = client.reads(ReadThread);
    expect(read?.request).toMatchObject({ rootSeq: 5, beforeSeq: 0 });
    client.item(read?.id ?? 0, ReadThread, { events: wire([reply(50, 2), reply(60, 3)]), asOfSeq: 100 });
    client.end(read?.id ?? 0);
    client.engine.loadOlder(scope, 50);
    const [older] = client.reads(ReadThread);
    expect(older?.request.beforeSeq).toBe(50);
    client.item(older?.id ?? 0, ReadThread, {
      events: wire([posted(5, "root"), reply(20, 1)]),
      asOfSeq: 100,
      atStart: true,
    });
    client.end(older?.id ?? 0);
    expect(client.texts(scope)).toEqual(["root", "reply 1", "reply 2", "reply 3"]);
    client.hear(reply(101, 4), posted(102, "elsewhere"));
    expect(client.texts(scope).at(-1)).toBe("reply 4");
  });

  it("is read anew where its room starts over", async () => {
    const client = await TestClient.live(100);
    await client.open();
    client.answerNewest([posted(100, "a")], 100);
    await client.open(scope);
    client.reads(ReadThread);
    client.pulse(900);
    const [newest] = client.reads(ReadTimeline);
    client.item(newest?.id ?? 0, ReadTimeline, { events: wire([posted(900, "b")]), asOfSeq: 900 });
    client.end(newest?.id ?? 0);
    expect(client.engine.timeline(scope)?.items).toEqual([]);
  });
});
