// History elsewhere than at its end, and what user interfaces want to observe, at a real server.

import "fake-indexeddb/auto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Excerpt, timelineAround } from "../../src/history.js";
import { FollowedThreads, following } from "../../src/inbox.js";
import { Client, type Message, type Room } from "../../src/index.js";
import { IndexedDbCache } from "../../src/indexeddb.js";
import { setProfile, users } from "../../src/people.js";
import { TestServer, until } from "./server.js";

let server: TestServer;
let anna: Client;
let ben: Client;
let room: Room;
let his: Room;
const seqs: number[] = [];

beforeAll(async () => {
  server = await TestServer.start();
  [anna, ben] = await Promise.all([server.connect("anna"), server.connect("ben")]);
  room = await anna.createGroup("long", [{ subject: "ben" }]);
  await until(() => ben.room(room.id).summary, "ben hears of the room");
  his = ben.room(room.id);
  for (let n = 0; n < 120; n++) seqs.push((await room.send(`message ${n}`)).seq);
  // A stretch of the log with nothing to show.
  for (let n = 0; n < 30; n++) await room.edit(seqs[60] ?? 0, `edit ${n}`);
  for (let n = 120; n < 130; n++) seqs.push((await room.send(`message ${n}`)).seq);
});

afterAll(async () => {
  await Promise.all([anna?.disconnect(), ben?.disconnect()]);
  await server?.stop();
});

function texts(excerpt: Excerpt): string[] {
  return excerpt.items.flatMap((item) => (item.type === "message" ? [item.text] : []));
}

describe("a timeline around a message", () => {
  it("begins there, and goes on to both ends without a gap", async () => {
    const excerpt = await timelineAround(his, seqs[60] ?? 0, { limit: 20 });
    expect(texts(excerpt)).toContain("edit 29");
    expect(texts(excerpt)).toHaveLength(20);
    expect([excerpt.isAtStart, excerpt.isAtEnd]).toEqual([false, false]);
    while (await excerpt.loadNewer(10));
    while (await excerpt.loadOlder(30));
    const all = Array.from({ length: 130 }, (_, n) => (n === 60 ? "edit 29" : `message ${n}`));
    expect(texts(excerpt)).toEqual(all);
    excerpt.close();
  });

  it("shows what becomes of its messages, and at the end what comes", async () => {
    const middle = await timelineAround(his, seqs[30] ?? 0, { limit: 10 });
    const end = await timelineAround(his, seqs[129] ?? 0, { limit: 10 });
    expect([middle.isAtEnd, end.isAtEnd]).toEqual([false, true]);
    const before = texts(middle);
    await room.react(seqs[30] ?? 0, "🎉");
    await room.send("brand new");
    const at30 = () =>
      middle.items.find((item) => item.type === "message" && item.seq === seqs[30]) as Message;
    await until(() => at30().reactions.length === 1, "the reaction is shown");
    await until(() => texts(end).at(-1) === "brand new", "what is new is shown at the end");
    expect(texts(middle)).toEqual(before);
    await at30().unreact("🎉");
    while (await middle.loadNewer());
    expect(texts(middle).at(-1)).toBe("brand new");
    middle.close();
    end.close();
    await expect(middle.loadOlder()).rejects.toMatchObject({ kind: "closed" });
  });
});

describe("followed threads", () => {
  it("say whether they are followed, and what is unread", async () => {
    const root = seqs[0] ?? 0;
    const [state, all] = [following(room.thread(root)), await FollowedThreads.open(anna)];
    expect([state.current, all.items.length]).toEqual([undefined, 0]);
    await room.thread(root).follow();
    await until(() => state.current && all.items.length === 1, "it is followed");
    const { seq } = await his.thread(root).send("a reply");
    await until(() => state.current?.unread === 1 && all.items[0]?.unread === 1, "one is unread");
    expect(all.items[0]?.summary.replies).toBe(1);
    await room.thread(root).markRead(seq);
    await until(() => state.current?.unread === 0 && all.items[0]?.unread === 0, "none is");
    await room.thread(root).unfollow();
    await until(() => state.current === undefined && all.items.length === 0, "it isn't followed any more");
    state.close();
    all.close();
  });
});

describe("users", () => {
  it("are there soon, and as they are by now after a reconnect", async () => {
    const them = ben.me as NonNullable<typeof ben.me>;
    const all = users(anna);
    expect(users(anna)).toBe(all);
    expect(all.get(them)).toBeUndefined();
    await until(() => all.get(them)?.name === "ben", "his name is known");
    await setProfile(ben, { title: "Baker" });
    all.refresh(them);
    await until(() => all.get(them)?.profile.title === "Baker", "what he does is known");
    await setProfile(ben, { title: "Cook" });
    expect(anna.isSynced.current).toBe(true);
    await server.kill();
    await until(() => !anna.isSynced.current, "anna is away");
    await server.run();
    await until(() => anna.isSynced.current && all.get(them)?.profile.title === "Cook", "it is read again");
  });
});

describe("users of a client with a cache", () => {
  it("are there at the next visit, without a connection", async () => {
    const them = ben.me as NonNullable<typeof ben.me>;
    const first = await server.connect("anna", { cache: await IndexedDbCache.open("names") });
    users(first).want([them]);
    await until(() => users(first).current.get(them), "his name is known");
    await new Promise((resolve) => setTimeout(resolve, 600));
    await first.disconnect();
    const cache = await IndexedDbCache.open("names");
    const second = await Client.start({ ...server.options("anna"), url: "http://localhost:1", cache });
    const again = users(second);
    await until(() => again.get(them)?.name === "ben", "his name is still known");
    await second.disconnect();
  });
});

describe("a message that was refused", () => {
  it("says why by its name", async () => {
    const timeline = await room.timeline();
    const failed = his.send({ text: "hi", replyTo: 999_999 }).catch((error: unknown) => error);
    expect(await failed).toMatchObject({ reason: "MESSAGE_NOT_FOUND" });
    const mine = await his.timeline();
    const found = mine.items.find((item) => item.type === "message" && item.delivery.state === "failed");
    expect((found as Message).delivery).toMatchObject({ error: { reason: "MESSAGE_NOT_FOUND" } });
    (found as Message).discard();
    timeline.close();
    mine.close();
  });
});
