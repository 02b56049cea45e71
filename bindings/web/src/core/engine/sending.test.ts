import { describe, expect, it } from "vitest";
import { Delete, MarkRead, ReadLog, Send } from "../../generated/rpc.js";
import { ErrorReason, Retry } from "../../generated/wire/v1/error.js";
import { type ClientRef, fieldOf, type RoomId } from "../../ids.js";
import { SEND_AGAIN_AFTER_MS, SETTLED_PER_ROOM_MAX } from "../../limits.js";
import type { Payload } from "../payload.js";
import { TestClient } from "../testing/client.js";
import { deleted, echoed, ME, post, posted, ROOM, refusal } from "../testing/events.js";

const ELSEWHERE = "00000000-0000-8000-8000-000000000099" as RoomId;
const messages = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => posted(from + n, `message ${from + n}`));
describe("sending", () => {
  it("shows a message at once and tells when it is in the log", async () => {
    const client = await TestClient.live();
    await client.open();
    client.answerNewest(messages(1, 10), 10);
    const clientRef = client.send(post("hi"));
    expect(client.texts().at(-1)).toBe("hi");
    const [call] = client.sends();
    client.answer(call?.id, Send, { seq: 11, atMs: 5 });
    expect(client.told("sent")).toEqual([{ type: "sent", clientRef, seq: 11, atMs: 5 }]);
    client.hear(echoed(11, "hi", clientRef));
    expect(client.texts().filter((text) => text === "hi")).toHaveLength(1);
  });

  it("is answered by the echo where the answer is lost", async () => {
    const client = await TestClient.live();
    const clientRef = client.send(post("hi"));
    client.engine.handleDisconnected();
    client.welcome();
    client.sends();
    client.hear(echoed(11, "hi", clientRef));
    expect(client.told("sent")).toMatchObject([{ clientRef, seq: 11 }]);
    expect(client.engine.outboxSize).toBe(0);
  });

  it("goes on in the next run of the program, under the same ref", async () => {
    const first = await TestClient.live();
    const clientRef = first.send(post("hi"));
    await first.settle();
    const second = await TestClient.start(first.cache);
    second.welcome();
    expect(second.sends()[0]?.request.clientRef).toEqual(fieldOf(clientRef));
  });

  it("keeps what was acknowledged until the log has it", async () => {
    const client = await TestClient.live();
    const clientRef = client.send(post("hi"));
    const [call] = client.sends();
    client.answer(call?.id, Send, { seq: 12, atMs: 5 });
    await client.settle();
    expect((await client.cache.load()).outbox).toHaveLength(1);
    client.hear(posted(11, "a"), echoed(12, "hi", clientRef));
    await client.settle();
    expect((await client.cache.load()).outbox).toEqual([]);
  });

  it("sends again what was acknowledged by a store that is another now, in order", async () => {
    const client = await TestClient.live();
    const refs = [client.send(post("one")), client.send(post("two"))];
    const [call] = client.sends();
    client.answer(call?.id, Send, { seq: 12, atMs: 5 });
    client.engine.handleDisconnected();
    client.welcome(ME, 8);
    expect(client.sends().map(({ request }) => request.clientRef)).toEqual(refs.map(fieldOf));
  });

  it("keeps back what can be undone, and nothing else", async () => {
    const client = await TestClient.live();
    await client.open();
    client.answerNewest(messages(1, 10), 10);
    const later = (payload: Payload, random: number) =>
      client.engine.send(ROOM, payload, new Uint8Array(10).fill(random), client.now, 5000);
    const deletion = later({ type: "delete", target: 10 }, 1);
    const message = later(post("never"), 2);
    const soon = client.send(post("now"));
    expect(client.sends().map(({ request }) => request.clientRef)).toEqual([fieldOf(soon)]);
    expect(client.texts().slice(-3)).toEqual(["", "never", "now"]);
    client.engine.discard(message as ClientRef, client.now);
    expect(client.texts().slice(-2)).toEqual(["", "now"]);
    client.pass(4000);
    expect(client.calls(Delete)).toHaveLength(0);
    client.pass(1000);
    expect(client.calls(Delete).map(({ request }) => request.clientRef)).toEqual([
      fieldOf(deletion as string),
    ]);
    expect(client.sends()).toHaveLength(0);
  });

  it("looks in the log for what is too old, and renews what isn't there", async () => {
    const client = await TestClient.live();
    const clientRef = client.send(post("hi"));
    const [call] = client.sends();
    client.refuse(call?.id ?? 0, refusal(ErrorReason.REF_EXPIRED, Retry.AFTER_RESYNC));
    const [search] = client.reads(ReadLog);
    expect(search?.request.fromSeq).toBe(11);
    client.end(search?.id ?? 0);
    expect(client.told("ref-expired")).toMatchObject([{ clientRef }]);
    const renewed = client.engine.renewRef(clientRef, new Uint8Array(10), client.now);
    expect(client.sends()[0]?.request.clientRef).toEqual(fieldOf(renewed as string));
  });

  it("is tried again under the same ref where the answer can't be read", async () => {
    const client = await TestClient.live();
    const clientRef = client.send(post("hi"));
    const [call] = client.sends();
    client.engine.handleReply(call?.id ?? 0, { ok: true, body: Uint8Array.of(0x0a, 5) }, client.now);
    expect(client.told("sent")).toEqual([]);
    expect(client.engine.outboxSize).toBe(1);
    client.pass(SEND_AGAIN_AFTER_MS);
    expect(client.sends()[0]?.request.clientRef).toEqual(fieldOf(clientRef));
  });

  it("keeps no more of what was acknowledged than a page, in a room that nobody reads", async () => {
    const client = await TestClient.live();
    for (let seq = 11; seq <= 10 + 2 * SETTLED_PER_ROOM_MAX; seq++) {
      client.send(post(`${seq}`));
      const [call] = client.sends();
      client.answer(call?.id, Send, { seq, atMs: 5 });
    }
    await client.settle();
    const { outbox } = await client.cache.load();
    expect(outbox).toHaveLength(SETTLED_PER_ROOM_MAX);
  });

  it("tells what was refused, and sends it again when asked", async () => {
    const client = await TestClient.live();
    const clientRef = client.send(post("hi"));
    const [call] = client.sends();
    client.refuse(call?.id ?? 0, refusal(ErrorReason.NOT_ALLOWED, Retry.NEVER));
    expect(client.told("failed")).toMatchObject([{ clientRef, fault: { why: "refused" } }]);
    client.engine.retry(clientRef, client.now);
    expect(client.sends()).toHaveLength(1);
  });
});

describe("read markers", () => {
  it("are shown at once, told to the server, and kept until it knows them", async () => {
    const client = await TestClient.live();
    client.hear(posted(11, "a"));
    client.engine.markRead(ROOM, 11);
    expect(client.engine.room(ROOM)).toMatchObject({ unread: 0, readSeq: 11 });
    await client.settle();
    expect((await client.cache.load()).rooms[0]?.unsentRead).toBe(11);
    const [call] = client.calls(MarkRead);
    client.answer(call?.id, MarkRead, { marker: { seq: 11 }, unread: {} });
    await client.settle();
    expect((await client.cache.load()).rooms[0]?.unsentRead).toBe(0);
  });

  it("that the server puts off are told again by themselves", async () => {
    const client = await TestClient.live();
    client.hear(posted(11, "a"));
    client.engine.markRead(ROOM, 11);
    client.refuse(
      client.calls(MarkRead)[0]?.id ?? 0,
      refusal(ErrorReason.RATE_LIMITED, Retry.AFTER_DELAY, 100),
    );
    client.pass(2000);
    expect(client.calls(MarkRead)).toHaveLength(1);
  });

  it("are told in a room not heard of yet, until the server takes or refuses them", async () => {
    const client = await TestClient.live();
    const marks = () => client.calls(MarkRead);
    client.engine.markRead(ELSEWHERE, 3);
    client.engine.markRead(ELSEWHERE, 5);
    client.engine.markRead(ELSEWHERE, 0);
    const [first] = marks();
    expect(first?.request.seq).toBe(3);
    client.answer(first?.id, MarkRead, { marker: { seq: 3 }, unread: {} });
    const [second, ...more] = marks();
    expect(more).toEqual([]);
    expect(second?.request.seq).toBe(5);
    client.refuse(second?.id ?? 0, refusal(ErrorReason.RATE_LIMITED, Retry.AFTER_DELAY, 100));
    client.pass(2000);
    client.refuse(marks()[0]?.id ?? 0, refusal(ErrorReason.ROOM_NOT_FOUND, Retry.NEVER));
    client.pass(2000);
    expect(marks()).toEqual([]);
  });

  it("are answered with counts of a head: what is told behind isn't counted twice", async () => {
    const client = await TestClient.live();
    const answer = (head: number, messages: number) => {
      const pulse = { room: fieldOf(ROOM), seq: head, msgNo: head };
      const marked = { marker: { seq: 9, msgNo: 9 }, unread: { messages, mentions: 0 }, head: pulse };
      client.answer(client.calls(MarkRead)[0]?.id, MarkRead, marked);
    };
    client.engine.markRead(ROOM, 9);
    answer(11, 2);
    client.hear(posted(11, "a"));
    expect(client.engine.room(ROOM)).toMatchObject({ unread: 2 });
    client.hear(posted(12, "b"));
    expect(client.engine.room(ROOM)).toMatchObject({ unread: 3 });
    client.engine.markRead(ROOM, 10);
    client.hear(posted(13, "c"));
    answer(12, 3);
    expect(client.engine.room(ROOM)).toMatchObject({ unread: 4 });
    client.pass(2000);
    answer(13, 4);
    expect(client.engine.room(ROOM)).toMatchObject({ unread: 4 });
  });

  it("make counts certain again that deletes have made uncertain", async () => {
    const client = await TestClient.live();
    client.hear(posted(11, "a"));
    client.engine.markRead(ROOM, 11);
    const marked = { marker: { seq: 11, msgNo: 11, setAtSeq: 11 }, unread: {} };
    client.answer(client.calls(MarkRead)[0]?.id ?? 0, MarkRead, marked);
    client.hear(posted(12, "b", { mentions: [fieldOf(ME)] }), posted(13, "c"), deleted(14, 12));
    client.pass(2000);
    const [call] = client.calls(MarkRead);
    expect(call?.request.seq).toBe(11);
    const answer = { marker: marked.marker, unread: { messages: 1, mentions: 0 } };
    client.answer(call?.id, MarkRead, answer);
    expect(client.engine.room(ROOM)).toMatchObject({ unread: 1, mentions: 0 });
  });
});

describe("typing", () => {
  it("is said every 4 s, however often the user types", async () => {
    const client = await TestClient.live();
    for (let key = 0; key < 5; key++) {
      client.engine.typing(ROOM, true, client.now);
      client.pass(1000);
    }
    expect(client.datagrams()).toBe(2);
    client.engine.typing(ROOM, false, client.now);
    client.engine.typing(ROOM, false, client.now);
    expect(client.datagrams()).toBe(1);
  });
});
