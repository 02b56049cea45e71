// People, profiles, pictures, emoji and what users set about themselves, at a real server.

import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emojis } from "../../src/emoji.js";
import { picture, upload } from "../../src/files.js";
import type { Client } from "../../src/index.js";
import {
  block,
  blocked,
  card,
  clearStatus,
  presenceSettings,
  searchPeople,
  setDoNotDisturb,
  setProfile,
  setStatus,
  shareLastSeen,
  unblock,
  users,
} from "../../src/people.js";
import { setAvatar } from "../../src/rooms.js";
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

function crc(bytes: Uint8Array): number {
  let all = ~0;
  for (const byte of bytes) {
    all ^= byte;
    for (let bit = 0; bit < 8; bit++) all = (all >>> 1) ^ (all & 1 ? 0xedb88320 : 0);
  }
  return ~all >>> 0;
}

/** A square PNG of one colour. */
function png(size: number, colour: number): File {
  const chunk = (name: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 2], 8);
  const row = Buffer.alloc(1 + size * 3, colour).fill(0, 0, 1);
  const pixels = deflateSync(Buffer.concat(Array(size).fill(row)));
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const all = [magic, chunk("IHDR", head), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))];
  return new File([Buffer.concat(all)], "picture.png", { type: "image/png" });
}

describe("people", () => {
  it("are found by the beginnings of their words, and seen as they are now", async () => {
    expect((await searchPeople(anna, "be")).users.map(({ subject }) => subject)).toEqual(["ben"]);
    expect((await searchPeople(anna, "nobody")).users).toEqual([]);
    const all = await searchPeople(anna, "");
    expect(all.users.length).toBeGreaterThanOrEqual(2);
    const [me] = [ben.me as NonNullable<typeof ben.me>];
    await setProfile(ben, { title: "Baker", pronouns: "he" });
    expect((await card(anna, me))?.profile).toMatchObject({ title: "Baker", pronouns: "he" });
    await setProfile(ben, { pronouns: "" });
    expect((await card(anna, me))?.profile.title).toBe("Baker");
  });

  it("are looked at anew when they are others than they were", async () => {
    const [him, all] = [ben.me as NonNullable<typeof ben.me>, users(anna)];
    all.get(him);
    await until(() => all.get(him)?.subject === "ben", "he is known");
    await setProfile(ben, { title: "Miller" });
    await until(() => all.get(him)?.profile.title === "Miller", "he is a miller now");
    await setProfile(ben, { title: "" });
    await until(() => !all.get(him)?.profile.title, "and isn't any more");
  });

  it("are blocked and unblocked on all devices", async () => {
    const other = await server.connect("anna");
    const [here, there] = [blocked(anna), blocked(other)];
    const me = ben.me as NonNullable<typeof ben.me>;
    await block(anna, { subject: "ben" });
    await until(() => here.current.has(me) && there.current.has(me), "he is blocked");
    const room = await anna.openDirect({ subject: "ben" }).catch((error: unknown) => error);
    expect(room).toMatchObject({ reason: "NOT_ALLOWED" });
    await unblock(other, me);
    await until(() => here.current.size === 0, "he isn't any more");
    await other.disconnect();
  });
});

describe("pictures", () => {
  it("are a user's, a group's and the organization's emoji", async () => {
    const file = png(32, 120);
    const mine = await upload(ben, file);
    await setProfile(ben, { avatar: mine });
    const seen = await card(anna, ben.me as NonNullable<typeof ben.me>);
    expect(seen?.avatar).toBe(mine.hash);
    const bytes = await (await picture(anna, mine.hash)).arrayBuffer();
    expect(Buffer.from(bytes)).toEqual(Buffer.from(await file.arrayBuffer()));
    await setProfile(ben, { avatar: null });
    expect((await card(anna, ben.me as NonNullable<typeof ben.me>))?.avatar).toBeUndefined();

    const group = await anna.createGroup("pictures", [{ subject: "ben" }]);
    const theirs = await upload(anna, png(16, 9));
    await setAvatar(group, theirs);
    await until(() => ben.room(group.id).summary?.avatar === theirs.hash, "the group has a picture");
    expect((await picture(ben.room(group.id), theirs.hash)).size).toBe(theirs.size);
    await setAvatar(group, undefined);
    await until(() => group.summary?.avatar === undefined, "it has none");
  });

  it("stand for names", async () => {
    const [hers, his] = [emojis(anna), emojis(ben)];
    expect(emojis(anna)).toBe(hers);
    const shape = await upload(anna, png(8, 200));
    await hers.add("party-cat", shape);
    expect(hers.find(":party-cat:")?.picture).toBe(shape.hash);
    await his.refresh();
    expect(his.find("party-cat")?.creator).toBe(anna.me);
    const taken = his.add("party-cat", await upload(ben, png(8, 1)));
    await expect(taken).rejects.toMatchObject({ reason: "EMOJI_TAKEN" });
    await hers.remove("party-cat");
    expect(hers.find("party-cat")).toBeUndefined();
    await expect(hers.add("No!", shape)).rejects.toMatchObject({ reason: "INVALID_FIELD" });
  });
});

describe("what users set about themselves", () => {
  it("is known on all their devices, and seen by others", async () => {
    const other = await server.connect("ben");
    const [here, there] = [presenceSettings(ben), presenceSettings(other)];
    await until(() => here.current && there.current, "it is known");
    anna.presence.watch([ben.me as NonNullable<typeof ben.me>]);
    ben.presence.set("active");
    await setStatus(ben, { text: "baking", emoji: "🍞" });
    await until(() => there.current?.status?.text === "baking", "the other device knows");
    const seen = () => anna.presence.people.current.get(ben.me as NonNullable<typeof ben.me>);
    await until(() => seen()?.status?.emoji === "🍞", "others see it");
    await setDoNotDisturb(ben, Date.now() + 60_000);
    await until(() => seen()?.availability === "do-not-disturb", "others see that");
    await setDoNotDisturb(ben, undefined);
    await clearStatus(ben);
    await shareLastSeen(ben, false);
    await until(() => there.current?.sharesLastSeen === false, "all of it is known");
    await until(() => seen()?.availability === "online" && !seen()?.status?.text, "and seen");
    await expect(setStatus(ben, "x".repeat(101))).rejects.toMatchObject({ reason: "INVALID_FIELD" });
    await other.disconnect();
  });
});
