// What the server keeps for a user on all their devices: drafts, saved messages, reminders, scheduled messages, mentions.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Drafts } from "../../src/drafts.js";
import { markAllRead, mentions, SavedMessages } from "../../src/inbox.js";
import type { Client, Room } from "../../src/index.js";
import { privateRoom } from "../../src/rooms.js";
import { Reminders, Schedule } from "../../src/schedule.js";
import { TestServer, until } from "./server.js";

let server: TestServer;
let phone: Client;
let desk: Client;
let ben: Client;
let room: Room;

beforeAll(async () => {
  server = await TestServer.start();
  [phone, desk, ben] = await Promise.all([
    server.connect("anna"),
    server.connect("anna"),
    server.connect("ben"),
  ]);
  room = await phone.createGroup("kept", [{ subject: "ben" }]);
  await until(() => ben.room(room.id).summary && desk.room(room.id).summary, "everyone has the room");
});

afterAll(async () => {
  await Promise.all([phone, desk, ben].map((client) => client?.disconnect()));
  await server?.stop();
});

describe("drafts", () => {
  it("are on all devices, one for each room and thread, and gone when they are empty", async () => {
    const [here, there] = [await Drafts.open(phone), await Drafts.open(desk)];
    await here.set(room.id, { text: "I was going to", mentions: ben.me ? [ben.me] : [] });
    await here.set(room.id, { text: "in a thread", threadRoot: 1 });
    await until(() => there.items.length === 2, "they are there");
    expect(there.of(room.id)?.draft).toMatchObject({ text: "I was going to", mentions: [ben.me] });
    expect(there.of(room.id, 1)?.draft.text).toBe("in a thread");
    await there.set(room.id, "");
    await until(() => here.of(room.id) === undefined, "it is gone");
    const later = await Drafts.open(phone);
    expect(later.items.map(({ draft }) => draft.text)).toEqual(["in a thread"]);
    await expect(here.set(room.id, "x".repeat(20_000))).rejects.toMatchObject({ reason: "INVALID_FIELD" });
    await until(() => here.of(room.id) === undefined, "what was refused isn't kept");
    for (const drafts of [here, there, later]) drafts.close();
  });
});

describe("saved messages", () => {
  it("are on all devices, the newest first", async () => {
    const [here, there] = [await SavedMessages.open(phone), await SavedMessages.open(desk)];
    const [one, two] = [await room.send("one"), await room.send("two")];
    await here.save(room.id, one.seq);
    await here.save(room.id, two.seq);
    await until(() => there.items.length === 2, "they are there");
    expect(there.items.map(({ seq, isGone }) => [seq, isGone])).toEqual([
      [two.seq, false],
      [one.seq, false],
    ]);
    expect(there.has(room.id, one.seq)).toBe(true);
    await there.unsave(room.id, one.seq);
    await until(() => !here.has(room.id, one.seq), "it is taken off");
    await expect(here.save(room.id, 9999)).rejects.toMatchObject({ reason: "MESSAGE_NOT_FOUND" });
    here.close();
    there.close();
  });
});

describe("reminders", () => {
  it("come when it is time, and are moved and deleted", async () => {
    const [here, there] = [await Reminders.open(phone), await Reminders.open(desk)];
    const { seq } = await room.send("to be answered");
    const soon = await here.set(Date.now() + 1200, { about: { room: room.id, seq } });
    const later = await here.set(Date.now() + 3_600_000, { text: "tea" });
    await until(() => there.items.length === 2, "they are there");
    expect(there.items[0]).toMatchObject({ id: soon, about: { room: room.id, seq }, isDue: false });
    await until(() => there.items.find(({ id }) => id === soon)?.isDue, "it is due");
    const tea = there.items.find(({ id }) => id === later);
    if (tea) await there.update({ ...tea, text: "more tea" });
    await until(() => here.items.some(({ text }) => text === "more tea"), "it is changed");
    await there.delete(later);
    await until(() => here.items.length === 1, "it is gone");
    await expect(here.set(1, { text: "late" })).rejects.toMatchObject({ reason: "INVALID_FIELD" });
    here.close();
    there.close();
  });
});

describe("scheduled messages", () => {
  it("are sent at their time, and can be moved, changed and taken back before", async () => {
    const [here, there] = [await Schedule.open(phone), await Schedule.open(desk)];
    const timeline = await room.timeline();
    const later = Date.now() + 3_600_000;
    const moved = await here.send(room.id, "moved", later);
    const { seq } = await room.send("Tea?");
    const gone = await here.send(room.id, "never", later);
    const poll = { question: "Tea?", options: ["yes", "no"] };
    await here.send(room.id, { text: "asked", poll, replyTo: seq }, later);
    await until(() => there.items.length === 3, "they are there");
    expect(there.items[2]?.draft).toMatchObject({ text: "asked", poll: { question: "Tea?" }, replyTo: seq });
    await there.cancel(gone);
    await there.update({ id: moved, room: room.id }, { sendAtMs: Date.now() + 1200, message: "now" });
    await until(() => here.items.length === 1, "one is sent and one is gone", 10_000);
    const texts = timeline.items.flatMap((item) => (item.type === "message" ? [item.text] : []));
    expect(texts).toContain("now");
    expect(texts).not.toContain("never");
    await expect(here.cancel(moved)).rejects.toMatchObject({ reason: "SCHEDULED_NOT_FOUND" });
    timeline.close();
    here.close();
    there.close();
  });
});

describe("the inbox", () => {
  it("has the messages that mention the user, page by page", async () => {
    const at = ben.room(room.id);
    const me = phone.me as NonNullable<typeof phone.me>;
    for (const text of ["first", "second", "third"]) await at.send({ text, mentions: [me] });
    // The inbox is written behind the messages.
    await until(async () => (await mentions(phone)).mentions.length === 3, "they are in the inbox");
    const page = await mentions(phone, { limit: 2 });
    expect(page.mentions.map(({ message }) => message.text)).toEqual(["third", "second"]);
    expect(page.mentions[0]).toMatchObject({ isUnread: true, room: { id: room.id } });
    const next = await page.next?.();
    expect(next?.mentions.map(({ message }) => message.text)).toEqual(["first"]);
    await page.mentions[0]?.message.react("👍");
    await until(() => (phone.room(room.id).summary?.mentions ?? 0) > 0, "they count");
    await markAllRead(phone);
    await until(() => desk.rooms.items.every(({ unread }) => unread === 0), "all is read on every device");
    expect((await mentions(phone, { unreadOnly: true })).mentions).toEqual([]);
  });
});

describe("the private room", () => {
  it("is one, on all devices, with nobody else in it", async () => {
    const [here, there] = [await privateRoom(phone), await privateRoom(desk)];
    expect(here.id).toBe(there.id);
    await here.send("a note to myself");
    const timeline = await there.timeline();
    const note = () => timeline.items.find((item) => item.type === "message" && item.text.includes("myself"));
    await until(note, "the note is there");
    await expect(here.addMembers([{ subject: "ben" }])).rejects.toMatchObject({ reason: "DIRECT_ROOM" });
    timeline.close();
  });
});
