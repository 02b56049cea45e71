import { describe, expect, it } from "vitest";
import * as Kind from "../generated/kinds.js";
import { MessageDeleted } from "../generated/message/v1/message.js";
import { fieldOf } from "../ids.js";
import { Counts, headOf, NO_HEAD } from "./counts.js";
import { event, ME, posted } from "./testing/events.js";

const marker = (seq: number, setAtSeq = seq) => ({ seq, msgNo: seq, bcastNo: 0, setAtSeq, atMs: 0 });
const mine = (seq: number) => posted(seq, "mine", { sender: fieldOf(ME) });

describe("unread counts", () => {
  it("grow with messages of others and with mentions", () => {
    const counts = new Counts(marker(1));
    counts.handleEvent(posted(2, "hi"), ME, false);
    counts.handleEvent(posted(3, "you", { mentions: [fieldOf(ME)] }), ME, false);
    counts.handleEvent(posted(4, "all", { flags: 1 }), ME, false);
    expect([counts.messages, counts.mentions]).toEqual([3, 2]);
  });

  it("don't count mentions by somebody whom the user has blocked", () => {
    const counts = new Counts(marker(1));
    counts.handleEvent(posted(2, "you", { mentions: [fieldOf(ME)] }), ME, true);
    expect([counts.messages, counts.mentions]).toEqual([1, 0]);
  });

  it("begin anew with an own message, unless the marker was moved back after it", () => {
    const counts = new Counts(marker(1));
    counts.handleEvent(posted(2, "hi"), ME, false);
    counts.handleEvent(mine(3), ME, false);
    expect([counts.messages, counts.readSeq]).toEqual([0, 3]);
    counts.handleMarker(marker(1, 3), headOf(mine(3).header));
    expect([counts.messages, counts.readSeq]).toEqual([2, 1]);
  });

  it("go down with deleted messages, and are in doubt where a mention may be among them", () => {
    const counts = new Counts(marker(1), { messages: 2, mentions: 1 });
    const deleted = event({ seq: 4, kind: Kind.messageDeleted, targetSeq: 2 }, MessageDeleted);
    counts.handleEvent(deleted, ME, false);
    expect([counts.messages, counts.mentions, counts.isUncertain]).toEqual([1, 1, true]);
  });

  it("follow the heads of rooms whose events aren't seen", () => {
    const counts = new Counts(marker(1));
    counts.handleJump({ ...NO_HEAD, seq: 1, msgNo: 1 }, { ...NO_HEAD, seq: 9, msgNo: 6, bcastNo: 1 });
    expect([counts.messages, counts.mentions, counts.isUncertain]).toEqual([5, 1, false]);
    counts.handleJump({ ...NO_HEAD, seq: 9, msgNo: 6 }, { ...NO_HEAD, seq: 10, msgNo: 6, delNo: 1 });
    expect(counts.isUncertain).toBe(true);
  });

  it("follow the marker by subtraction", () => {
    const counts = new Counts(marker(1), { messages: 5, mentions: 0 });
    const head = { ...NO_HEAD, seq: 6, msgNo: 6 };
    counts.handleMarker(marker(4), head);
    expect(counts.messages).toBe(2);
    counts.handleMarker(marker(6), head);
    expect([counts.messages, counts.isUncertain]).toEqual([0, false]);
  });

  it("take the server's word, and what came since on top", () => {
    const counts = new Counts(marker(1), { messages: 5, mentions: 2 });
    const head = { ...NO_HEAD, seq: 6, msgNo: 6 };
    counts.handleAnswer(marker(4), { messages: 1, mentions: 1 }, head, head);
    expect([counts.messages, counts.mentions]).toEqual([1, 1]);
    expect(counts.isUncertain).toBe(false);
    counts.handleAnswer(marker(5), { messages: 0, mentions: 0 }, { ...head, seq: 5, msgNo: 5 }, head);
    expect([counts.messages, counts.isUncertain]).toEqual([1, true]);
  });

  it("survive a cache, which keeps values and no methods", () => {
    const counts = new Counts(marker(2), { messages: 1, mentions: 0 }, 1);
    expect(Counts.restore(structuredClone(counts)).readSeq).toBe(2);
  });
});
