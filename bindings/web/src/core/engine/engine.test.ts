import { describe, expect, it } from "vitest";
import { encode, type Init, type MessageType } from "../../codec/message.js";
import * as Kind from "../../generated/kinds.js";
import { MarkerMoved } from "../../generated/marker/v1/marker.js";
import { RoomGained, RoomKind, RoomLost } from "../../generated/room/v1/room.js";
import {
  GetRoom,
  ListOpenRooms,
  ListPins,
  ReadLog,
  ReadTimeline,
  Subscribe,
  Sync,
} from "../../generated/rpc.js";
import { ErrorReason, Retry } from "../../generated/wire/v1/error.js";
import type { UserId } from "../../ids.js";
import { fieldOf } from "../../ids.js";
import { MemoryCache } from "../cache/memory.js";
import { digest, TestClient, wire } from "../testing/client.js";
import { deleted, event, id, ME, OTHER, post, posted, ROOM, refusal, YOU } from "../testing/events.js";

const messages = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => posted(from + n, `message ${from + n}`));
const numbers = (from: number, to: number) => messages(from, to).map((_, n) => `message ${from + n}`);
const DRAINING = refusal(ErrorReason.DRAINING, Retry.RECONNECT);

function userEvent<T>(
  client: TestClient,
  seq: number,
  kind: number,
  type: MessageType<T>,
  body: Init<T>,
): void {
  client.engine.handleLive({ type: "user", events: [event({ seq, kind }, type, body)] }, client.now);
}

describe("sync", () => {
  it("shows the rooms and their counts", async () => {
    const client = await TestClient.start();
    client.welcome();
    client.sync([digest(10, { unread: { messages: 3, mentions: 1 } }), digest(20, {}, OTHER)]);
    expect(client.engine.rooms.map((room) => [room.id, room.unread, room.mentions])).toEqual([
      [OTHER, 0, 0],
      [ROOM, 3, 1],
    ]);
    expect(client.told("synced")).toHaveLength(1);
  });

  it("goes on from where the last one ended, also in the next run of the program", async () => {
    const first = await TestClient.live();
    const second = await TestClient.start(first.cache);
    expect(second.engine.rooms.map((room) => room.name)).toEqual(["Lunch"]);
    second.welcome();
    const [sync] = second.reads(Sync);
    expect(sync?.request).toMatchObject({ watermarkMs: 99, incarnation: fieldOf(id(7)) });
  });

  it("is made again where it was cut off", async () => {
    const client = await TestClient.start();
    client.welcome();
    const [sync] = client.reads(Sync);
    client.engine.handleBulkCut(sync?.id ?? 0, client.now);
    client.pass(1000);
    expect(client.reads(Sync)).toHaveLength(0);
    client.pass(1000);
    expect(client.reads(Sync)).toHaveLength(1);
  });

  it("drops the cache of another incarnation, but not what waits to be sent", async () => {
    const client = await TestClient.live();
    client.send(post("hi"));
    client.engine.handleDisconnected();
    client.welcome(ME, 8);
    expect(client.engine.rooms).toEqual([]);
    expect(client.engine.outboxSize).toBe(1);
    expect(client.reads(Sync).at(-1)?.request.watermarkMs).toBe(0);
  });

  it("sends nothing of the user who was there before", async () => {
    const client = await TestClient.live();
    client.send(post("hi"));
    client.engine.handleDisconnected();
    client.sends();
    client.welcome(YOU);
    expect([client.engine.outboxSize, client.sends().length]).toEqual([0, 0]);
  });

  it("asks for a room that a full sync doesn't have, and loses it where it isn't there", async () => {
    const first = await TestClient.live();
    first.engine.handleDisconnected();
    first.welcome();
    first.sync([digest(10), digest(3, {}, OTHER)].slice(1), { reset: true, asOfSeq: 5 });
    const [asked] = first.calls(GetRoom);
    expect(asked?.request.room).toEqual(fieldOf(ROOM));
    first.refuse(asked?.id ?? 0, refusal(ErrorReason.ROOM_NOT_FOUND, Retry.NEVER));
    expect(first.engine.rooms.map((room) => room.id)).toEqual([OTHER]);
    expect(first.told("room-lost")).toMatchObject([{ room: ROOM }]);
  });

  it("shows a first screen at once, of which an old log takes nothing", async () => {
    const client = await TestClient.start();
    client.welcome();
    const [sync] = client.reads(Sync);
    const lane = sync?.id ?? 0;
    client.item(lane, Sync, { item: { case: "firstScreen", value: { rooms: [digest(10)] } } });
    expect(client.engine.rooms).toHaveLength(1);
    const lost = event({ seq: 1, kind: Kind.roomLost }, RoomLost, { room: fieldOf(ROOM) });
    client.item(lane, Sync, { item: { case: "user", value: { events: wire([lost]), asOfSeq: 1 } } });
    expect(client.engine.rooms).toHaveLength(1);
  });
});

describe("live events", () => {
  it("are counted, and told once", async () => {
    const client = await TestClient.live();
    client.hear(posted(11, "a"), posted(12, "b"));
    client.hear(posted(12, "b"));
    expect(client.engine.room(ROOM)).toMatchObject({ unread: 2, lastSeq: 12 });
    expect(client.told("events").flatMap((notice) => notice.events.map((one) => one.seq))).toEqual([11, 12]);
  });

  it("that are only pulsed are read as far as the user wrote", async () => {
    const client = await TestClient.live();
    client.hear(posted(11, "a"));
    const pulse = (seq: number, ownSeq: number) => {
      const told = { room: fieldOf(ROOM), seq, msgNo: seq, bcastNo: 0, delNo: 0, ownSeq, ownMsgNo: ownSeq };
      client.engine.handleLive({ type: "pulse", pulse: told }, client.now);
    };
    pulse(14, 13);
    expect(client.engine.room(ROOM)).toMatchObject({ unread: 1, readSeq: 13 });
    pulse(15, 0);
    pulse(15, 12);
    expect(client.engine.room(ROOM)).toMatchObject({ unread: 2, readSeq: 13 });
  });

  it("that a page is the first to tell count, and only once", async () => {
    const client = await TestClient.live();
    const before = client.engine.room(ROOM)?.unread ?? 0;
    await client.open();
    client.answerNewest(messages(1, 12), 12);
    expect(client.engine.room(ROOM)).toMatchObject({ unread: before + 2, lastSeq: 12 });
    client.hear(...messages(11, 12));
    expect(client.engine.room(ROOM)).toMatchObject({ unread: before + 2 });
  });

  it("that are read while a timeline is opened leave out nothing before them", async () => {
    const client = await TestClient.live();
    client.pulse(11);
    const [read] = client.reads(ReadLog);
    await client.open();
    expect(client.reads(ReadTimeline)).toEqual([]);
    client.item(read?.id ?? 0, ReadLog, { events: wire(messages(11, 11)), asOfSeq: 11 });
    client.end(read?.id ?? 0);
    client.answerNewest(messages(1, 10), 11);
    expect(client.texts()).toEqual(numbers(1, 11));
  });

  it("of a room not heard of yet leave out nothing before them, too", async () => {
    const client = await TestClient.start();
    client.welcome();
    client.sync([]);
    await client.open();
    client.hear(posted(11, "message 11"));
    await client.settle();
    client.answerNewest(messages(1, 10), 11);
    expect(client.texts()).toEqual(numbers(1, 11));
  });

  it("behind a gap wait until that is read, and stay in order", async () => {
    const client = await TestClient.live();
    await client.open();
    client.answerNewest(messages(1, 10), 10);
    client.hear(posted(13, "message 13"));
    const [read] = client.reads(ReadLog);
    expect(read?.request.fromSeq).toBe(11);
    expect(client.told("events")).toEqual([]);
    client.item(read?.id ?? 0, ReadLog, { events: wire(messages(11, 12)), asOfSeq: 13 });
    client.end(read?.id ?? 0);
    expect(client.told("events").flatMap((notice) => notice.events.map((one) => one.seq))).toEqual([
      11, 12, 13,
    ]);
    expect(client.texts()).toEqual(numbers(1, 13));
  });

  it("leave no gap where numbers are withheld or damaged", async () => {
    const client = await TestClient.live();
    client.pulse(15);
    const [read] = client.reads(ReadLog);
    client.item(read?.id ?? 0, ReadLog, {
      events: wire([posted(12, "a")]),
      withheld: [{ fromSeq: 11, toSeq: 11 }],
      damaged: [{ fromSeq: 13, toSeq: 15 }],
      asOfSeq: 15,
    });
    client.end(read?.id ?? 0);
    client.hear(posted(16, "b"));
    expect(client.reads(ReadLog)).toEqual([]);
    expect(client.engine.room(ROOM)?.lastSeq).toBe(16);
  });

  it("of a room that nobody looks at and that is far behind aren't read", async () => {
    const client = await TestClient.live();
    client.pulse(900);
    expect(client.reads(ReadLog)).toEqual([]);
    client.hear(posted(901, "a"));
    expect(client.told("events")).toHaveLength(1);
  });

  it("of an open room that is far behind start over from its end", async () => {
    const client = await TestClient.live();
    await client.open();
    client.answerNewest(messages(1, 10), 10);
    client.engine.takeTimelineDiffs();
    client.pulse(900);
    client.answerNewest(messages(851, 900), 900);
    expect(client.texts()).toEqual(numbers(851, 900));
    expect(client.engine.takeTimelineDiffs()[0]?.diffs).toMatchObject([{ type: "reset" }]);
  });

  it("that were left out are asked for by subscribing again", async () => {
    const client = await TestClient.live();
    const pulse = { room: fieldOf(ROOM), seq: 12, msgNo: 12, bcastNo: 0, delNo: 0, ownSeq: 0, ownMsgNo: 0 };
    client.engine.handleLive({ type: "gap", pulses: [pulse] }, client.now);
    expect(client.calls(Subscribe)[0]?.request.add).toEqual([fieldOf(ROOM)]);
    expect(client.reads(ReadLog)[0]?.request.fromSeq).toBe(11);
  });

  it("of a room that isn't known make it known", async () => {
    const client = await TestClient.live();
    client.engine.handleLive({ type: "room", room: OTHER, events: [posted(5, "a")] }, client.now);
    const [asked] = client.calls(GetRoom);
    expect(client.engine.rooms).toHaveLength(1);
    const room = { id: fieldOf(OTHER), kind: RoomKind.GROUP, name: "New" };
    client.answer(asked?.id, GetRoom, { room });
    expect(client.engine.rooms.map((one) => one.name)).toContain("New");
  });

  it("are read again where the read was cut off", async () => {
    const client = await TestClient.live();
    client.pulse(12);
    const [read] = client.reads(ReadLog);
    client.engine.handleBulkCut(read?.id ?? 0, client.now);
    client.pass(2000);
    expect(client.reads(ReadLog)).toHaveLength(1);
  });
});

describe("the user's own log", () => {
  it("brings rooms and takes them", async () => {
    const client = await TestClient.live();
    const room = { id: fieldOf(OTHER), kind: RoomKind.GROUP, name: "New" };
    userEvent(client, 1, Kind.roomGained, RoomGained, { room, seq: 3 });
    expect(client.engine.room(OTHER)?.name).toBe("New");
    userEvent(client, 2, Kind.roomLost, RoomLost, { room: fieldOf(OTHER) });
    expect(client.engine.room(OTHER)).toBeUndefined();
  });

  it("is read by a sync where there is a gap in it", async () => {
    const client = await TestClient.live();
    userEvent(client, 5, Kind.roomLost, RoomLost, { room: fieldOf(ROOM) });
    expect(client.engine.room(ROOM)).toBeDefined();
    expect(client.reads(Sync)).toHaveLength(1);
  });

  it("reads what a new room said before it was told of", async () => {
    const client = await TestClient.live();
    const room = { id: fieldOf(OTHER), kind: RoomKind.GROUP };
    userEvent(client, 1, Kind.roomGained, RoomGained, { room, seq: 3 });
    client.engine.handleLive({ type: "room", room: OTHER, events: [posted(6, "a")] }, client.now);
    expect(client.reads(ReadLog)[0]?.request).toMatchObject({ room: fieldOf(OTHER), fromSeq: 4 });
  });

  it("moves markers that another device has moved", async () => {
    const client = await TestClient.live();
    client.hear(posted(11, "a"), posted(12, "b"));
    const marker = { seq: 11, msgNo: 11, setAtSeq: 12 };
    userEvent(client, 1, Kind.markerMoved, MarkerMoved, { room: fieldOf(ROOM), marker });
    expect(client.engine.room(ROOM)).toMatchObject({ unread: 1, readSeq: 11 });
  });
});

describe("history", () => {
  it("is read page by page to its beginning", async () => {
    const client = await TestClient.live(100);
    await client.open();
    client.answerNewest(messages(51, 100), 100);
    expect(client.texts()).toEqual(numbers(51, 100));
    client.engine.loadOlder({ room: ROOM, root: 0 }, 50);
    client.answerNewest(messages(1, 50), 100);
    expect(client.texts()).toEqual(numbers(1, 100));
    expect(client.told("paged")).toMatchObject([{ fault: undefined }]);
    expect(client.engine.timeline({ room: ROOM, root: 0 })?.isAtStart).toBe(true);
  });

  it("is in the cache, and shown without a connection", async () => {
    const first = await TestClient.live(10);
    await first.open();
    first.answerNewest(messages(1, 10), 10);
    first.hear(posted(11, "message 11"));
    await first.settle();
    const second = await TestClient.start(first.cache);
    await second.open();
    expect(second.texts()).toEqual(numbers(1, 11));
    second.engine.loadOlder({ room: ROOM, root: 0 }, 50);
    await second.settle();
    expect(second.told("paged")).toMatchObject([{ fault: undefined }]);
  });

  it("doesn't come without a connection where the cache hasn't it", async () => {
    const first = await TestClient.live(100);
    await first.open();
    first.answerNewest(messages(51, 100), 100);
    await first.settle();
    const second = await TestClient.start(first.cache);
    await second.open();
    second.engine.loadOlder({ room: ROOM, root: 0 }, 50);
    await second.settle();
    expect(second.told("paged")).toMatchObject([{ fault: { why: "offline" } }]);
  });

  it("that was wanted on the old connection is read on the new one", async () => {
    const client = await TestClient.live(100);
    await client.open();
    client.answerNewest(messages(51, 100), 100);
    client.engine.loadOlder({ room: ROOM, root: 0 }, 50);
    expect(client.reads(ReadTimeline)).toHaveLength(1);
    client.engine.handleDisconnected();
    client.welcome();
    expect(client.reads(ReadTimeline)[0]?.request.beforeSeq).toBe(51);
  });

  it("loses the body of a message that is deleted while its page is read", async () => {
    const client = await TestClient.live(100);
    await client.open();
    client.answerNewest(messages(51, 100), 100);
    client.engine.loadOlder({ room: ROOM, root: 0 }, 50);
    client.hear(deleted(101, 20));
    client.answerNewest(messages(1, 50), 100);
    expect(client.texts()[19]).toBe("");
    await client.settle();
    const runs = await client.cache.runs(ROOM, 51, 100);
    expect(runs.flatMap((run) => run.events).find((one) => one.seq === 20)?.body.length).toBe(0);
  });

  it("is gone with its room", async () => {
    const client = await TestClient.live(100);
    await client.open();
    client.answerNewest(messages(51, 100), 100);
    client.send(post("hi"));
    client.engine.loadOlder({ room: ROOM, root: 0 }, 50);
    userEvent(client, 1, Kind.roomLost, RoomLost, { room: fieldOf(ROOM) });
    expect(client.told("paged")).toMatchObject([{ fault: { why: "room-lost" } }]);
    expect(client.told("failed")).toMatchObject([{ fault: { why: "room-lost" } }]);
    await client.settle();
    expect((await client.cache.load()).outbox).toEqual([]);
  });
});

describe("calls of the application", () => {
  it("outlive a connection and a draining server", async () => {
    const client = await TestClient.live();
    const call = client.engine.call({ method: ListOpenRooms.id, body: new Uint8Array(0) });
    client.calls(ListOpenRooms);
    client.refuse(call ?? 0, DRAINING);
    client.engine.handleDisconnected();
    client.welcome();
    expect(client.calls(ListOpenRooms).map((asked) => asked.id)).toEqual([call]);
    client.answer(call ?? 0, ListOpenRooms, {});
    expect(client.told("reply")).toHaveLength(1);
  });

  it("with a lane of their own are asked again from the beginning where they were cut off", async () => {
    const client = await TestClient.live();
    const asked = client.engine.ask({ method: ListPins.id, body: encode(ListPins.request, {}) }) ?? 0;
    expect(client.reads(ListPins)).toHaveLength(1);
    client.engine.handleBulk(asked, { type: "item", body: Uint8Array.of(1) }, client.now);
    client.engine.handleBulkCut(asked, client.now);
    client.pass(2000);
    expect(client.reads(ListPins)).toHaveLength(1);
    client.engine.handleBulk(asked, { type: "item", body: Uint8Array.of(2) }, client.now);
    client.end(asked);
    expect(client.told("answered")).toMatchObject([{ answer: { ok: true, items: [Uint8Array.of(2)] } }]);
  });
});

describe("messages that disappear", () => {
  it("are gone at their time from what is shown and from the cache, also without a connection", async () => {
    const client = await TestClient.live();
    await client.open();
    client.answerNewest(messages(1, 10), 10);
    client.hear(posted(11, "soon", { expiresAtMs: client.now.unixMs + 5000 }));
    client.engine.handleDisconnected();
    client.pass(1);
    client.pass(4000);
    expect(client.texts().at(-1)).toBe("soon");
    client.pass(1000);
    expect(client.texts().at(-1)).toBe("");
    await client.settle();
    const runs = await client.cache.runs(ROOM, 100, 100);
    expect(runs.flatMap((run) => run.events).find((one) => one.seq === 11)?.isErased).toBe(true);
  });
});

describe("a client with little to hear", () => {
  it("gets whole events only of rooms that somebody looks at", async () => {
    const client = await TestClient.live(10, "focused");
    await client.open();
    expect(client.calls(Subscribe)[0]?.request.add).toEqual([fieldOf(ROOM)]);
    client.engine.closeTimeline({ room: ROOM, root: 0 });
    expect(client.calls(Subscribe)[0]?.request.remove).toEqual([fieldOf(ROOM)]);
    client.pulse(20);
    expect(client.reads(ReadLog)).toEqual([]);
    expect(client.engine.room(ROOM)?.unread).toBe(10);
  });

  it("subscribes again on each connection", async () => {
    const client = await TestClient.live(10, "focused");
    await client.open();
    client.calls(Subscribe);
    client.engine.handleDisconnected();
    client.welcome();
    expect(client.calls(Subscribe)).toHaveLength(1);
  });

  it("has what was saved, whoever it is", async () => {
    const cache = new MemoryCache();
    const client = await TestClient.start(cache);
    expect(client.engine.me).toBeUndefined();
    client.welcome(id<UserId>(5));
    await client.settle();
    expect((await TestClient.start(cache)).engine.me).toBe(id(5));
  });
});
