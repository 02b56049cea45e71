import { describe, expect, it } from "vitest";
import { MessagePosted } from "../generated/message/v1/message.js";
import { RoomKind } from "../generated/room/v1/room.js";
import { NotificationLevel, type RoomSettings, type Settings } from "../generated/settings/v1/settings.js";
import { fieldOf, type RoomId } from "../ids.js";
import { Counts, NO_HEAD } from "./counts.js";
import type { LogEvent } from "./event.js";
import { type Listener, notifies } from "./notify.js";
import { type RoomRecord, unknownRoom } from "./record.js";
import { edited, event, id, ME, posted, ROOM, YOU } from "./testing/events.js";

const GROUP = id<RoomId>(77);
const EVERYONE = { flags: 1 };
const NOW = 1000;

function room(kind: number, settings: Partial<RoomSettings> = {}): RoomRecord {
  const usual = { level: 0, mutedUntilMs: 0, favourite: false, section: "" };
  return { ...unknownRoom(ROOM), kind, settings: { ...usual, ...settings } };
}

function wants(settings: Partial<Settings> = {}, quietUntilMs = 0): Listener {
  const isIn = (node: RoomId) => node === GROUP;
  return {
    me: ME,
    settings: { level: 0, keywords: [], hideReceipts: false, ...settings },
    quietUntilMs,
    isIn,
  };
}

const direct = room(RoomKind.DIRECT);
const group = room(RoomKind.GROUP);
const mention = posted(5, "you", { mentions: [fieldOf(ME)] });
const why = (listener: Listener, of: RoomRecord, said: LogEvent) => notifies(listener, of, said, NOW);

describe("a notification", () => {
  it("comes of everything in direct rooms and of mentions in others", () => {
    const plain = posted(5, "so");
    expect(why(wants(), direct, plain)).toBe("message");
    expect(why(wants(), room(RoomKind.USER), plain)).toBe("message");
    expect(why(wants(), group, plain)).toBeUndefined();
    expect(why(wants(), group, posted(5, "all", EVERYONE))).toBe("everyone");
    expect(why(wants(), group, mention)).toBe("mention");
    expect(why(wants(), group, posted(5, "you", { mentions: [fieldOf(YOU)] }))).toBeUndefined();
  });

  it("never comes of what is the user's own, deleted, or no message", () => {
    expect(why(wants(), direct, posted(5, "mine", { sender: fieldOf(ME) }))).toBeUndefined();
    expect(why(wants(), direct, posted(5, "gone").erased())).toBeUndefined();
    expect(why(wants(), direct, edited(6, 5, "other"))).toBeUndefined();
  });

  it("comes at the room's level before the user's", () => {
    const all = wants({ level: NotificationLevel.ALL });
    const plain = posted(5, "so");
    expect(why(all, group, plain)).toBe("message");
    const mentions = room(RoomKind.GROUP, { level: NotificationLevel.MENTIONS });
    expect([why(all, mentions, plain), why(all, mentions, mention)]).toEqual([undefined, "mention"]);
    const nothing = room(RoomKind.GROUP, { level: NotificationLevel.NOTHING });
    expect(why(all, nothing, mention)).toBeUndefined();
    expect(why(wants({ level: 99 }), group, mention)).toBe("mention");
  });

  it("waits for no end of a mute or of do-not-disturb, and comes from then on", () => {
    expect(why(wants(), room(RoomKind.GROUP, { mutedUntilMs: 1001 }), mention)).toBeUndefined();
    expect(why(wants(), room(RoomKind.GROUP, { mutedUntilMs: 1000 }), mention)).toBe("mention");
    expect(why(wants({}, 1001), group, mention)).toBeUndefined();
    expect(why(wants({}, 1000), group, mention)).toBe("mention");
  });

  it.each([
    ["the release, today", true],
    ["RELEASE", true],
    ["released", false],
    ["prerelease", false],
    ["pre-release and released", true],
    ["𝒜release", false],
    ["🚀release🚀", true],
    ["in ZÜRICH!", true],
    ["", false],
  ])("comes of a keyword as a whole word, in any case: %s", (text, isNews) => {
    const listener = wants({ keywords: ["Release", " zürich ", " "] });
    expect(why(listener, group, posted(5, text))).toBe(isNews ? "keyword" : undefined);
  });

  it("never comes of what is read, and of threads to who follows them", () => {
    const all = wants({ level: NotificationLevel.ALL });
    const read = { ...group, counts: new Counts({ seq: 5, msgNo: 5, bcastNo: 0, setAtSeq: 5, atMs: 0 }) };
    expect(why(all, read, posted(5, "so"))).toBeUndefined();
    expect(why(all, read, posted(6, "so"))).toBe("message");
    expect(why(all, { ...read, unsentRead: 6 }, posted(6, "so"))).toBeUndefined();
    const reply = posted(7, "so", { threadRootSeq: 3 });
    expect(why(all, read, reply)).toBeUndefined();
    const follows = (counts: Counts) => ({ ...read, threads: [{ rootSeq: 3, head: NO_HEAD, counts }] });
    expect(why(all, follows(new Counts()), reply)).toBe("thread");
    const marker = { seq: 7, msgNo: 1, bcastNo: 0, setAtSeq: 7, atMs: 0 };
    expect(why(all, follows(new Counts(marker)), reply)).toBeUndefined();
  });

  it("comes of a group that the user is in", () => {
    const to = (...groups: RoomId[]) =>
      event({ ...posted(5, "").header }, MessagePosted, { text: "all", mentionGroups: groups.map(fieldOf) });
    expect(why(wants(), group, to(id<RoomId>(78), GROUP))).toBe("group");
    expect(why(wants(), group, to(id<RoomId>(78)))).toBeUndefined();
    expect(why(wants(), direct, to(id<RoomId>(78)))).toBe("message");
    expect(
      why(wants(), room(RoomKind.GROUP, { level: NotificationLevel.NOTHING }), to(GROUP)),
    ).toBeUndefined();
  });
});
