import { describe, expect, it } from "vitest";
import { encode } from "../codec/message.js";
import { ME, posted, ROOM, YOU } from "../core/testing/events.js";
import * as Kind from "../generated/kinds.js";
import { ReadReceipt } from "../generated/receipt/v1/receipt.js";
import { fieldOf, type UserId } from "../ids.js";
import { receipts } from "./receipts.js";
import { FakeClient, settled } from "./testing.js";

const list = (...all: [UserId, number][]) => ({
  receipts: all.map(([user, seq]) => ({ user: fieldOf(user), seq, atMs: 1 })),
  nextPage: new Uint8Array(0),
});

function read(fake: FakeClient, sender: UserId, seq: number): void {
  const body = encode(ReadReceipt, { seq, atMs: 2 });
  fake.signals.emit({ type: "ephemeral", room: ROOM, sender, kind: Kind.readReceipt, body });
}

async function opened(fake: FakeClient) {
  const open = receipts(fake.room(ROOM));
  await settled();
  await fake.calls.shift()?.answer(list([YOU, 3]));
  return open;
}

describe("receipts", () => {
  it("go forward as they are heard, and never back", async () => {
    const fake = new FakeClient();
    const seen = await opened(fake);
    expect([seen.readBy(3), seen.readBy(4)]).toEqual([[YOU], []]);
    read(fake, YOU, 5);
    read(fake, YOU, 4);
    expect(seen.readBy(5)).toEqual([YOU]);
    expect(seen.current.get(YOU)).toEqual({ user: YOU, seq: 5, atMs: 2 });
  });

  it("are said by messages, but not by replies in threads", async () => {
    const fake = new FakeClient();
    const seen = await opened(fake);
    fake.events.emit({
      room: ROOM,
      events: [posted(7, "hi"), posted(9, "in a thread", { threadRootSeq: 1 })],
    });
    expect(seen.current.get(YOU)?.seq).toBe(7);
  });

  it("keep what is heard while all of them are read", async () => {
    const fake = new FakeClient();
    const seen = await opened(fake);
    fake.signals.emit({ type: "missed" });
    read(fake, YOU, 8);
    await fake.calls.shift()?.answer(list([YOU, 6], [ME, 2]));
    expect([seen.readBy(8), seen.readBy(1)]).toEqual([[YOU], [YOU, ME]]);
  });

  it("ignore what can't be read, other rooms, and everything once they are closed", async () => {
    const fake = new FakeClient();
    const seen = await opened(fake);
    const body = Uint8Array.of(255);
    fake.signals.emit({ type: "ephemeral", room: ROOM, sender: YOU, kind: Kind.readReceipt, body });
    seen.close();
    read(fake, YOU, 9);
    expect(seen.current.get(YOU)?.seq).toBe(3);
  });
});
