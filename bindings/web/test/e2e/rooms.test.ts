// Rooms beyond talking in them, at a real server.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client, Room } from "../../src/index.js";
import {
  ban,
  bans,
  handOver,
  join,
  membersPage,
  notice,
  openRooms,
  overrides,
  permissions,
  postNotice,
  privateRoom,
  setAnnouncementsOnly,
  setArchived,
  setMessageExpiry,
  setOpen,
  setSlowMode,
  setTopic,
  unban,
} from "../../src/rooms.js";
import { TestServer, until } from "./server.js";

let server: TestServer;
let anna: Client;
let ben: Client;

beforeAll(async () => {
  server = await TestServer.start();
  [anna, ben] = await Promise.all([server.connect("anna"), server.connect("ben")]);
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

describe("a group", () => {
  it("tells who is in it a page at a time", async () => {
    const names = Array.from({ length: 7 }, (_, at) => `paged-${at}`);
    for (const name of names) await (await server.connect(name)).disconnect();
    const room = await anna.createGroup(
      "many",
      names.map((subject) => ({ subject })),
    );
    const pages = [await membersPage(room, { pageSize: 3 })];
    for (let next = pages[0]?.next; next; next = pages.at(-1)?.next) pages.push(await next());
    expect(pages.map(({ users }) => users.length)).toEqual([3, 3, 2]);
    const all = await room.members();
    expect(pages.flatMap(({ users }) => users)).toEqual(all);
    expect(all.map(({ subject }) => subject).sort()).toEqual(["anna", ...names].sort());
  });

  it("is told about, slowed down, and archived", async () => {
    const [hers, his] = await group("life");
    await setTopic(hers, "what we live for");
    await setSlowMode(hers, 5);
    await setMessageExpiry(hers, 3600);
    await until(() => his.summary?.messageExpiryS === 3600, "he hears of it");
    expect(his.summary).toMatchObject({ topic: "what we live for", slowModeS: 5, creator: anna.me });
    await setArchived(hers, true);
    await until(() => his.summary?.isArchived, "it is archived");
    await expect(his.send("hello?")).rejects.toMatchObject({ reason: "ROOM_ARCHIVED" });
    await setArchived(hers, false);
    await his.send("again");
  });

  it("is open for everyone to join, but for who is banned", async () => {
    const hers = await anna.createGroup("open to all");
    await setTopic(hers, "come in");
    await setOpen(hers, true);
    const listed = (await openRooms(ben)).find(({ room }) => room.id === hers.id);
    expect(listed).toMatchObject({ name: "open to all", topic: "come in", memberCount: 1, isJoined: false });
    const his = ben.room(hers.id);
    await join(his);
    await until(() => his.summary, "he is in it");
    const him = ben.me as NonNullable<typeof ben.me>;
    await ban(hers, him);
    await until(() => !his.summary, "he is out");
    expect(await bans(hers)).toEqual([him]);
    await expect(join(his)).rejects.toMatchObject({ reason: "NOT_ALLOWED" });
    await unban(hers, him);
    await join(his);
  });

  it("says who may do what", async () => {
    const [hers, his] = await group("rights");
    const mine = await permissions(his);
    expect([mine.has("SEND"), mine.has("MANAGE_PERMISSIONS")]).toEqual([true, false]);
    await setAnnouncementsOnly(hers, true);
    expect((await permissions(his)).has("SEND")).toBe(false);
    const [everyone] = await overrides(hers);
    expect([everyone?.subject, everyone?.deny.has("SEND")]).toEqual(["everyone", true]);
    await setAnnouncementsOnly(hers, false);
    expect(await overrides(hers)).toEqual([]);
    await handOver(hers, ben.me as NonNullable<typeof ben.me>);
    await until(() => his.summary?.creator === ben.me, "it is his");
    expect((await permissions(his)).has("MANAGE_PERMISSIONS")).toBe(true);
  });
});

describe("a notice", () => {
  it("is for those who may post them", async () => {
    const posted = postNotice(anna, { subject: "ben" }, notice("the lights are on"));
    await expect(posted).rejects.toMatchObject({ reason: "SCOPE_MISSING" });
    await expect(postNotice(anna, { subject: "ben" }, notice(""))).rejects.toMatchObject({ kind: "text" });
    const lamp = await server.connect("lamp", { token: server.token("lamp", "1h", "--scope", "notices") });
    const lights = notice("the lights are on");
    await postNotice(lamp, { subject: "ben" }, lights);
    await postNotice(lamp, { subject: "ben" }, lights);
    const timeline = await (await privateRoom(ben)).timeline();
    const texts = () => timeline.items.flatMap((item) => (item.type === "message" ? [item.text] : []));
    await until(() => texts().length > 0, "the notice comes");
    expect(texts()).toEqual(["the lights are on"]);
    timeline.close();
    await lamp.disconnect();
  });
});
