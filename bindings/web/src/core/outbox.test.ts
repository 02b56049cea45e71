import { describe, expect, it } from "vitest";
import { ErrorReason, Retry } from "../generated/wire/v1/error.js";
import { NEVER } from "../time.js";
import { Outbox } from "./outbox.js";
import type { Payload } from "./payload.js";
import { at, OTHER, ROOM, ref, refusal } from "./testing/events.js";

const REACT: Payload = { type: "react", target: 1, emoji: "👍", on: true };
const TRANSIENT = refusal(ErrorReason.RATE_LIMITED, Retry.AFTER_DELAY, 500);
const BROKEN = refusal(ErrorReason.CHAIN_BROKEN, Retry.SAME);

function outbox(...refs: number[]): Outbox {
  const box = new Outbox();
  for (const number of refs) box.push(ROOM, ref(number), REACT, 0, 0);
  box.handleConnected();
  return box;
}

function taken(box: Outbox, ms = 0): { clientRef: string; chain: number }[] {
  const all: { clientRef: string; chain: number }[] = [];
  for (let next = box.takeTransmit(at(ms)); next; next = box.takeTransmit(at(ms))) {
    all.push({ clientRef: next.clientRef, chain: next.chain });
  }
  return all;
}

describe("the outbox", () => {
  it("sends a room's entries in order, several at a time, in one chain", () => {
    const box = outbox(...Array.from({ length: 20 }, (_, n) => n));
    const sent = taken(box);
    expect(sent.map((one) => one.clientRef)).toEqual(Array.from({ length: 16 }, (_, n) => ref(n)));
    expect(new Set(sent.map((one) => one.chain)).size).toBe(1);
  });

  it("sends those behind a refused one again, in order, under a higher chain", () => {
    const box = outbox(1, 2, 3);
    taken(box);
    expect(box.handleAnswer(ref(1), TRANSIENT, at(0)).type).toBe("again");
    expect(box.timeoutMs).toBe(500);
    expect(taken(box, 499)).toEqual([]);
    expect(taken(box, 500)).toEqual([{ clientRef: ref(1), chain: 2 }]);
    // One is sent again only once all before it in the broken chain are answered.
    box.handleAnswer(ref(3), BROKEN, at(510));
    expect(taken(box, 510)).toEqual([]);
    box.handleAnswer(ref(2), BROKEN, at(520));
    expect(taken(box, 520).map((one) => [one.clientRef, one.chain])).toEqual([
      [ref(2), 2],
      [ref(3), 2],
    ]);
  });

  it("keeps what was refused for good until somebody decides, and goes on with the others", () => {
    const box = outbox(1, 2);
    taken(box);
    const outcome = box.handleAnswer(ref(1), refusal(ErrorReason.NOT_ALLOWED, Retry.NEVER), at(0));
    expect(outcome.type).toBe("failed");
    box.handleAnswer(ref(2), BROKEN, at(0));
    expect(taken(box).map((one) => one.clientRef)).toEqual([ref(2)]);
    box.retry(ref(1));
    expect(taken(box).map((one) => one.clientRef)).toEqual([ref(1)]);
  });

  it("sends what was under way again on the next connection, under the same refs", () => {
    const box = outbox(1, 2);
    taken(box);
    box.handleDisconnected();
    box.handleConnected();
    expect(taken(box).map((one) => one.clientRef)).toEqual([ref(1), ref(2)]);
  });

  it("waits for the next connection where the server says so", () => {
    const box = outbox(1);
    taken(box);
    box.handleAnswer(ref(1), refusal(ErrorReason.DRAINING, Retry.RECONNECT), at(0));
    expect(box.timeoutMs).toBe(NEVER);
    box.handleConnected();
    expect(taken(box)).toHaveLength(1);
  });

  it("looks for an expired entry in the log, and gives it a new ref where it isn't there", () => {
    const box = outbox(1, 2);
    taken(box);
    const expired = refusal(ErrorReason.REF_EXPIRED, Retry.AFTER_RESYNC);
    expect(box.handleAnswer(ref(1), expired, at(0)).type).toBe("search");
    box.handleAnswer(ref(2), BROKEN, at(0));
    expect(taken(box)).toEqual([]);
    box.handleNotInLog(ref(1), ref(9));
    expect(taken(box).map((one) => one.clientRef)).toEqual([ref(9), ref(2)]);
  });

  it("is done with an entry whose echo comes before its answer", () => {
    const box = outbox(1);
    taken(box);
    expect(box.handleEcho(ref(1))?.clientRef).toBe(ref(1));
    expect(box.handleAnswer(ref(1), undefined, at(0)).type).toBe("known");
    expect(box.size).toBe(0);
  });

  it("holds up no other room", () => {
    const box = outbox(1);
    box.push(OTHER, ref(5), REACT, 0, 0);
    taken(box);
    box.handleAnswer(ref(1), TRANSIENT, at(0));
    box.push(OTHER, ref(6), REACT, 0, 0);
    box.handleAnswer(ref(5), undefined, at(0));
    expect(taken(box).map((one) => one.clientRef)).toEqual([ref(6)]);
  });

  it("doesn't rewrite what may have been sent", () => {
    const box = new Outbox();
    const post: Payload = {
      type: "post",
      body: new Uint8Array(0),
      mentions: [],
      mentionsEveryone: false,
      replyTo: 0,
      threadRoot: 0,
      attachments: [],
    };
    box.push(ROOM, ref(1), post, 0, 0);
    expect(box.rewrite(ref(1), "other")).toBeDefined();
    taken(box);
    expect(box.rewrite(ref(1), "third")).toBeUndefined();
    const [saved] = box.room(ROOM);
    const restored = saved && Outbox.restore([{ ...saved, attempts: 0 }]);
    expect(restored?.rewrite(ref(1), "third")).toBeUndefined();
  });
});
