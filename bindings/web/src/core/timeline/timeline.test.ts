import { describe, expect, it } from "vitest";
import { encode } from "../../codec/message.js";
import * as Kind from "../../generated/kinds.js";
import { MessageEdited, MessagesDeleted } from "../../generated/message/v1/message.js";
import { LinkPreviewsAdded } from "../../generated/preview/v1/preview.js";
import { ErrorReason, Retry } from "../../generated/wire/v1/error.js";
import { fieldOf } from "../../ids.js";
import { applyDiff } from "../diff.js";
import type { LogEvent } from "../event.js";
import type { Payload } from "../payload.js";
import {
  deleted,
  echoed,
  edited,
  entryOf,
  event,
  ME,
  pinned,
  post,
  posted,
  ROOM,
  randomFrom,
  reacted,
  ref,
  refusal,
  YOU,
} from "../testing/events.js";
import type { Item, MessageItem } from "./item.js";
import { Timeline } from "./timeline.js";

const ROOM_SCOPE = { room: ROOM, root: 0 };
const FAILED = { type: "failed", error: refusal(ErrorReason.NOT_ALLOWED, Retry.NEVER) } as const;

function timeline(...events: LogEvent[]): Timeline {
  const made = new Timeline(ROOM_SCOPE, ME);
  made.handleLive(events);
  return made;
}

function messages(of: Timeline): MessageItem[] {
  return of.items.filter((item): item is MessageItem => item.type === "message");
}

function message(of: Timeline): MessageItem {
  const [first] = messages(of);
  if (!first) throw new Error("there is no message");
  return first;
}

const texts = (of: Timeline) => messages(of).map((one) => one.text);

/** Everything that can be seen, whichever way it came. */
function permutations<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((one, at) =>
    permutations(list.filter((_, other) => other !== at)).map((rest) => [one, ...rest]),
  );
}

describe("a timeline", () => {
  it("shows the newest edit, whatever comes first", () => {
    for (const events of permutations([posted(1, "a"), edited(2, 1, "b"), edited(3, 1, "c")])) {
      const shown = message(timeline(...events));
      expect([shown.text, shown.isEdited]).toEqual(["c", true]);
    }
  });

  it("keeps a deleted message as a tombstone, whatever comes first", () => {
    for (const events of permutations([
      posted(1, "a"),
      edited(2, 1, "b"),
      reacted(3, 1, "👍"),
      deleted(4, 1),
    ])) {
      const shown = message(timeline(...events));
      expect([shown.text, shown.isDeleted, shown.reactions]).toEqual(["", true, []]);
    }
  });

  it("turns several that are deleted at once into tombstones, and doesn't show what says so", () => {
    const all = event({ seq: 4, kind: Kind.messagesDeleted, targetSeqs: [1, 3] }, MessagesDeleted);
    const shown = timeline(posted(1, "a"), posted(2, "b"), posted(3, "c"), all);
    expect(messages(shown).map((one) => one.isDeleted)).toEqual([true, false, true]);
    expect(shown.items).toHaveLength(3);
  });

  it("counts of each user's reactions the newest, whatever comes first", () => {
    const events = [
      posted(1, "a"),
      reacted(2, 1, "👍"),
      reacted(3, 1, "👍", false),
      reacted(4, 1, "👍", true, ME),
    ];
    for (const order of permutations(events)) {
      expect(message(timeline(...order)).reactions).toEqual([{ emoji: "👍", users: [ME] }]);
    }
  });

  it("counts of pins the newest, whatever comes first", () => {
    for (const order of permutations([posted(1, "a"), pinned(2, 1), pinned(3, 1, false), pinned(4, 1)])) {
      expect(message(timeline(...order)).isPinned).toBe(true);
    }
  });

  it("shows previews of the text that is there, and of no other", () => {
    const preview = { url: "https://a", title: "A", description: "", siteName: "" };
    const previews = (seq: number, textSeq: number) =>
      event({ seq, kind: Kind.linkPreviewsAdded, targetSeq: 1 }, LinkPreviewsAdded, {
        textSeq,
        previews: [preview],
      });
    const shown = timeline(posted(1, "https://a"), previews(2, 1));
    expect(message(shown).linkPreviews).toEqual([preview]);
    shown.handleLive([edited(3, 1, "other")]);
    expect(message(shown).linkPreviews).toEqual([]);
    shown.handleLive([previews(4, 3)]);
    expect(message(shown).linkPreviews).toEqual([preview]);
    shown.handleLive([event({ seq: 5, kind: Kind.linkPreviewsHidden, targetSeq: 1 })]);
    expect(message(shown).linkPreviews).toEqual([]);
  });

  it("shows kinds that it doesn't know as notices", () => {
    const [item] = timeline(event({ seq: 1, kind: 99 })).items;
    expect(item).toMatchObject({ type: "notice", kind: 99, body: { case: "unknown" } });
  });
});

describe("what waits to be sent", () => {
  it("stands at the end, and becomes its message in place", () => {
    const shown = timeline(posted(1, "a"));
    shown.handleOutbox(entryOf(1, post("b")));
    expect(texts(shown)).toEqual(["a", "b"]);
    expect(messages(shown)[1]?.delivery.state).toBe("queued");
    shown.takeDiffs();
    shown.handleLive([echoed(2, "b", ref(1))]);
    expect(shown.takeDiffs()).toMatchObject([{ type: "update", index: 1 }]);
    expect(messages(shown)[1]).toMatchObject({
      place: { in: "log", number: 2 },
      delivery: { state: "sent" },
    });
  });

  it("isn't shown twice where the message comes before the answer", () => {
    const shown = timeline();
    shown.handleOutbox(entryOf(1, post("b")));
    shown.handleLive([echoed(1, "b", ref(1))]);
    shown.handleSent(entryOf(1, post("b")), 1, 5);
    expect(texts(shown)).toEqual(["b"]);
  });

  it("is sent as soon as the server says so, before the log has it", () => {
    const shown = timeline();
    shown.handleOutbox(entryOf(1, post("b")));
    shown.handleSent(entryOf(1, post("b")), 5, 77);
    expect(message(shown)).toMatchObject({ atMs: 77, delivery: { state: "sent" }, place: { in: "outbox" } });
  });

  it("is gone where it stands before what is shown", () => {
    const shown = timeline();
    shown.handleOutbox(entryOf(1, post("sent long ago")));
    shown.handleReset(701, [posted(701, "new")], [], false);
    expect(texts(shown)).toEqual(["new", "sent long ago"]);
    shown.handleSent(entryOf(1, post("sent long ago")), 5, 77);
    expect(texts(shown)).toEqual(["new"]);
  });

  it("isn't taken away by somebody else's ref", () => {
    const shown = timeline();
    shown.handleOutbox(entryOf(1, post("mine")));
    shown.handleLive([posted(1, "theirs", { clientRef: fieldOf(ref(1)) })]);
    expect(texts(shown)).toEqual(["theirs", "mine"]);
  });

  it("stays over a reset, unless it was acknowledged", () => {
    const shown = timeline(posted(1, "old"));
    shown.handleOutbox(entryOf(1, post("sent")));
    shown.handleSent(entryOf(1, post("sent")), 700, 5);
    shown.handleOutbox(entryOf(2, post("waits")));
    shown.handleReset(701, [posted(701, "new")], [], false);
    expect(texts(shown)).toEqual(["new", "waits"]);
    expect(shown.takeDiffs()).toMatchObject([{ type: "reset" }]);
  });

  it("changes a message at once, and no longer where it was refused and discarded", () => {
    const shown = timeline(posted(1, "a"));
    const body = encode(MessageEdited, { text: "b" });
    const entry = entryOf(1, { type: "edit", target: 1, body });
    shown.handleOutbox(entry);
    expect(message(shown)).toMatchObject({ text: "b", isEdited: true, pending: ref(1) });
    shown.handleOutbox({ ...entry, state: FAILED });
    expect(message(shown).delivery.state).toBe("failed");
    shown.handleDiscarded(entry);
    expect(message(shown)).toMatchObject({ text: "a", isEdited: false, pending: undefined });
  });

  it("deletes a message at once, and brings it back where that fails", () => {
    const shown = timeline(posted(1, "a"));
    const entry = entryOf(1, { type: "delete", target: 1 });
    shown.handleOutbox(entry);
    expect(message(shown)).toMatchObject({ text: "", isDeleted: true });
    shown.handleOutbox({ ...entry, state: FAILED });
    expect(message(shown)).toMatchObject({ text: "a", isDeleted: false });
  });

  it.each<[string, Payload, (shown: MessageItem) => unknown, unknown, unknown]>([
    ["a reaction", { type: "react", target: 1, emoji: "👍", on: true }, (m) => m.reactions.length, 1, 0],
    ["a pin", { type: "pin", target: 1, on: true }, (m) => m.isPinned, true, false],
  ])("shows %s at once, and not any more if it fails", (_, payload, look, on, off) => {
    const shown = timeline(posted(1, "a"));
    const entry = entryOf(1, payload);
    shown.handleOutbox(entry);
    expect(look(message(shown))).toBe(on);
    shown.handleOutbox({ ...entry, state: FAILED });
    expect(look(message(shown))).toBe(off);
    shown.handleOutbox(entry);
    shown.handleSent(entry, 2, 5);
    expect(look(message(shown))).toBe(on);
  });
});

describe("threads", () => {
  const reply = (seq: number, threadNo: number) =>
    posted(seq, `reply ${threadNo}`, { threadRootSeq: 1, threadNo });
  const gone = (seq: number, targetSeq: number) =>
    event({ seq, kind: Kind.messageDeleted, targetSeq, threadRootSeq: 1, sender: fieldOf(YOU) });

  it("are counted under their root, and their replies aren't the room's", () => {
    for (const events of permutations([posted(1, "root"), reply(2, 1), reply(3, 2), gone(4, 2)])) {
      const shown = timeline(...events);
      expect(texts(shown)).toEqual(["root"]);
      expect(message(shown).thread).toMatchObject({ replies: 1, lastSeq: 3 });
    }
  });

  it("show their root and their replies, and nothing else", () => {
    const thread = new Timeline({ room: ROOM, root: 1 }, ME);
    thread.handleLive([
      posted(1, "root"),
      posted(2, "other"),
      reply(3, 1),
      edited(4, 1, "better root"),
      reacted(5, 2, "👍"),
    ]);
    expect(texts(thread)).toEqual(["better root", "reply 1"]);
  });

  it("take the server's word over what was counted", () => {
    const shown = timeline(posted(1, "root"), reply(9, 5));
    const known = {
      rootSeq: 1,
      threadNo: 5,
      deleted: 2,
      lastSeq: 9,
      lastAtMs: 1,
      repliers: [],
      changedSeq: 9,
    };
    shown.handleThreads([known]);
    expect(message(shown).thread?.replies).toBe(3);
  });
});

/** A log of twelve events about a few messages. */
function someLog(random: () => number): LogEvent[] {
  const log: LogEvent[] = [posted(1, "first")];
  for (let seq = 2; seq <= 12; seq++) {
    const target = 1 + Math.floor(random() * (seq - 1));
    const pick = Math.floor(random() * 6);
    if (pick < 2) log.push(posted(seq, `message ${seq}`));
    else if (pick === 2) log.push(edited(seq, target, `edit ${seq}`));
    else if (pick === 3) log.push(deleted(seq, target));
    else if (pick === 4)
      log.push(reacted(seq, target, random() < 0.5 ? "👍" : "🎉", random() < 0.7, random() < 0.5 ? ME : YOU));
    else log.push(pinned(seq, target, random() < 0.7));
  }
  return log;
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((one) => [random(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);
}

describe("any log, in any order, in pieces, with repetitions", () => {
  it("makes the same list, to which the diffs lead, too", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomFrom(seed);
      const log = someLog(random);
      const straight = timeline(...log).items;
      const other = new Timeline(ROOM_SCOPE, ME);
      const observed: Item[] = [];
      const take = () => other.takeDiffs().forEach((diff) => void applyDiff(diff, observed));
      for (const piece of shuffled([...log, ...log.slice(0, 4)], random)) {
        if (random() < 0.5) other.handleLive([piece]);
        else other.handleOlder(piece.seq, [piece], [], false);
        if (random() < 0.5) take();
      }
      take();
      expect(other.items, `seed ${seed}`).toEqual(straight);
      expect(observed, `seed ${seed}`).toEqual(straight);
    }
  });
});
