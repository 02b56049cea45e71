import { describe, expect, it } from "vitest";
import { unknownRoom } from "../core/record.js";
import { at, posted, ROOM, YOU } from "../core/testing/events.js";
import { RoomKind } from "../generated/room/v1/room.js";
import { SetStatus } from "../generated/rpc.js";
import { type Notification, notifications } from "./notifications.js";
import { FakeClient, settled } from "./testing.js";

function made() {
  const fake = new FakeClient();
  fake.records.set(ROOM, { ...unknownRoom(ROOM), kind: RoomKind.DIRECT });
  const told: Notification[] = [];
  notifications(fake.client).hear((one) => void told.push(one));
  const say = (seq: number, text: string) => fake.events.emit({ room: ROOM, events: [posted(seq, text)] });
  const quiet = (untilMs: number) => ({
    settings: { doNotDisturbUntilMs: untilMs, shareLastSeen: false },
  });
  return { fake, told, say, quiet };
}

const FUTURE_MS = at(60_000).unixMs;

describe("notifications", () => {
  it("wait until it is known whether the user may be disturbed", async () => {
    const { fake, told, say, quiet } = made();
    say(1, "early");
    expect(told).toEqual([]);
    expect(fake.calls[0]?.method).toBe(SetStatus.id);
    await fake.calls[0]?.answer(quiet(0));
    say(2, "late");
    expect(told.map(({ text, reason, sender }) => [text, reason, sender])).toEqual([
      ["early", "message", YOU],
      ["late", "message", YOU],
    ]);
  });

  it("don't come while they may not", async () => {
    const { fake, told, say, quiet } = made();
    await fake.calls[0]?.answer(quiet(FUTURE_MS));
    say(1, "psst");
    fake.signals.emit({ type: "own", body: { case: "statusChanged", value: quiet(0) } });
    say(2, "hello");
    expect(told.map(({ text }) => text)).toEqual(["hello"]);
  });

  it("come where a server knows no such thing", async () => {
    const { fake, told, say } = made();
    await fake.calls[0]?.refuse(new Error("unknown method"));
    say(1, "hello");
    expect(told).toHaveLength(1);
  });

  it("never come of whom the user has blocked", async () => {
    const { fake, told, say, quiet } = made();
    await fake.calls[0]?.answer(quiet(0));
    fake.meta.blocked = new Set([YOU]);
    say(1, "buy this");
    await settled();
    expect(told).toEqual([]);
  });
});
