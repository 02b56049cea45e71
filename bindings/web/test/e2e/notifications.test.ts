// Notifications, settings and receipts between two clients of a real server.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client, Room } from "../../src/index.js";
import {
  changeRoomSettings,
  changeSettings,
  FOREVER_MS,
  type Notification,
  notifications,
  roomSettings,
  settings,
} from "../../src/notifications.js";
import { setDoNotDisturb } from "../../src/people.js";
import { receipts } from "../../src/receipts.js";
import { TestServer, until } from "./server.js";

let server: TestServer;
let anna: Client;
let ben: Client;
const news: Notification[] = [];

beforeAll(async () => {
  server = await TestServer.start();
  ben = await server.connect("ben");
  anna = await server.connect("anna");
  void (async () => {
    for await (const one of notifications(ben)) news.push(one);
  })();
});

afterAll(async () => {
  await Promise.all([anna?.disconnect(), ben?.disconnect()]);
  await server?.stop();
});

async function group(name: string): Promise<[hers: Room, his: Room]> {
  const hers = await anna.createGroup(name, [{ subject: "ben" }]);
  await until(() => ben.rooms.items.some((room) => room.id === hers.id), "ben hears of the room");
  return [hers, ben.room(hers.id)];
}

/** Why ben is told of this message, once he has it; `undefined` where he isn't. */
async function why(room: Room, text: string, mentionsBen = false): Promise<string | undefined> {
  const mentions = mentionsBen && ben.me ? [ben.me] : [];
  const { seq } = await room.send({ text, mentions });
  await until(() => (ben.room(room.id).summary?.lastSeq ?? 0) >= seq, `${text} comes`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  return news.find((one) => one.room.id === room.id && one.seq === seq)?.reason;
}

describe("notifications", () => {
  it("come of everything that is said to the user alone, with what it says", async () => {
    const room = await anna.openDirect({ subject: "ben" });
    expect(await why(room, "hi")).toBe("message");
    expect(news.at(-1)).toMatchObject({ text: "hi", sender: anna.me, threadRoot: undefined });
  });

  it("come as the room's level, the user's and keywords say", async () => {
    const [hers, his] = await group("levels");
    expect([await why(hers, "so"), await why(hers, "you", true)]).toEqual([undefined, "mention"]);
    await changeRoomSettings(his, { level: "all" });
    await until(() => roomSettings(his).level === "all", "the level is known");
    expect(await why(hers, "so")).toBe("message");
    await changeRoomSettings(his, { level: undefined, mutedUntilMs: FOREVER_MS });
    await until(() => roomSettings(his).mutedUntilMs > 0, "the mute is known");
    expect(await why(hers, "you", true)).toBeUndefined();
    await changeRoomSettings(his, { mutedUntilMs: 0, isFavourite: true, section: "work" });
    await until(() => roomSettings(his).section === "work", "the section is known");
    expect(roomSettings(his)).toEqual({
      level: undefined,
      mutedUntilMs: 0,
      isFavourite: true,
      section: "work",
    });
    const seen = settings(ben);
    await changeSettings(ben, { keywords: ["cake"] });
    await until(() => seen.current.keywords.length === 1, "the keyword is known");
    expect(await why(hers, "there is CAKE!")).toBe("keyword");
  });

  it("are silent while the user doesn't want to be disturbed", async () => {
    const room = await anna.openDirect({ subject: "ben" });
    await setDoNotDisturb(ben, Date.now() + 600_000);
    await until(async () => (await why(room, "psst")) === undefined, "it is quiet");
    await setDoNotDisturb(ben, undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await why(room, "hello")).toBe("message");
  });

  it("come of what was said while the user was away", async () => {
    const room = await anna.openDirect({ subject: "ben" });
    ben.networkChanged();
    await server.kill();
    await server.run();
    await room.send("are you back?");
    await until(() => news.some(({ text }) => text === "are you back?"), "ben is told");
  });
});

describe("receipts", () => {
  it("say who has read how far, as it happens and over a new connection", async () => {
    const [hers, his] = await group("read");
    const { seq } = await hers.send("one");
    const seen = await receipts(hers);
    await until(() => (his.summary?.lastSeq ?? 0) >= seq, "it comes");
    expect(seen.readBy(seq)).toEqual([anna.me]);
    his.markRead();
    await until(() => seen.readBy(seq).length === 2, "he has read it");
    const again = await receipts(hers);
    expect(again.readBy(seq)).toHaveLength(2);
    again.close();
    await server.kill();
    await server.run();
    const { seq: next } = await hers.send("two");
    await until(() => (his.summary?.lastSeq ?? 0) >= next, "the next comes");
    his.markRead();
    await until(() => seen.readBy(next).length === 2, "he has read that, too");
    seen.close();
  });

  it("are said by sending", async () => {
    const [hers, his] = await group("said");
    const seen = await receipts(hers);
    const { seq } = await his.send("I have read all of it");
    await until(() => seen.readBy(seq).includes(ben.me as never), "he has");
    seen.close();
  });
});
