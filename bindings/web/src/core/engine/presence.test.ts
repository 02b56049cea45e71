import { describe, expect, it } from "vitest";
import { Activity, type Presence, PresenceState } from "../../generated/presence/v1/presence.js";
import { SetPresence, WatchPresence } from "../../generated/rpc.js";
import { ErrorReason, Retry } from "../../generated/wire/v1/error.js";
import { fieldOf, type UserId } from "../../ids.js";
import { TestClient } from "../testing/client.js";
import { id, refusal, YOU } from "../testing/events.js";

const is = (state: number): Presence => ({
  user: fieldOf(YOU),
  state,
  lastSeenMs: 0,
  userMark: 0,
});
const update = (client: TestClient, state: number, asOf: number) =>
  client.engine.handleLive({ type: "presence", update: { people: [is(state)], asOf } }, client.now);
const shown = (client: TestClient) => client.engine.presence(YOU)?.availability;

describe("what the user does", () => {
  it("is said again while it holds, and nothing else", async () => {
    const client = await TestClient.live();
    client.engine.setActivity("active", client.now);
    client.engine.setActivity("active", client.now);
    expect(client.calls(SetPresence).map((call) => call.request.activity)).toEqual([Activity.ACTIVE]);
    client.pass(40_000);
    expect(client.calls(SetPresence)).toHaveLength(1);
    client.engine.setActivity("background", client.now);
    expect(client.calls(SetPresence)).toHaveLength(1);
    client.pass(100_000);
    expect(client.calls(SetPresence)).toHaveLength(0);
  });

  it("is said again soon where the server couldn't take it", async () => {
    const client = await TestClient.live();
    client.engine.setActivity("idle", client.now);
    const [call] = client.calls(SetPresence);
    client.refuse(call?.id ?? 0, refusal(ErrorReason.RATE_LIMITED, Retry.AFTER_DELAY, 5000));
    client.pass(4999);
    expect(client.calls(SetPresence)).toHaveLength(0);
    client.pass(1);
    expect(client.calls(SetPresence)).toHaveLength(1);
  });
});

describe("who is watched", () => {
  it("is told to each new connection, with what the user does", async () => {
    const client = await TestClient.live();
    client.engine.setActivity("active", client.now);
    client.engine.watchPresence([YOU], client.now);
    client.calls(SetPresence);
    client.calls(WatchPresence);
    client.engine.handleDisconnected();
    client.welcome();
    expect(client.calls(SetPresence)).toHaveLength(1);
    expect(client.calls(WatchPresence)[0]?.request.add).toEqual([fieldOf(YOU)]);
  });

  it("is known from answers and updates, of which the newer counts, whichever comes first", async () => {
    const client = await TestClient.live();
    client.engine.watchPresence([YOU], client.now);
    const [call] = client.calls(WatchPresence);
    update(client, PresenceState.IDLE, 5);
    client.answer(call?.id, WatchPresence, { people: [is(PresenceState.ONLINE)], asOf: 4 });
    expect(shown(client)).toBe("idle");
    update(client, PresenceState.OFFLINE, 6);
    expect(shown(client)).toBe("offline");
    expect(client.engine.takePresenceChanges().map((one) => one.availability)).toEqual(["offline"]);
    expect(client.engine.takePresenceChanges()).toEqual([]);
  });

  it("is unknown where the server doesn't say, and online where it says something new", async () => {
    const client = await TestClient.live();
    client.engine.watchPresence([YOU], client.now);
    update(client, 99, 1);
    expect(shown(client)).toBe("online");
    const [call] = client.calls(WatchPresence);
    client.answer(call?.id, WatchPresence, { people: [], asOf: 2 });
    expect(shown(client)).toBe("unknown");
  });

  it("is watched as long as somebody looks", async () => {
    const client = await TestClient.live();
    client.engine.watchPresence([YOU], client.now);
    client.engine.watchPresence([YOU], client.now);
    client.calls(WatchPresence);
    client.engine.unwatchPresence([YOU], client.now);
    expect(client.calls(WatchPresence)).toEqual([]);
    client.engine.unwatchPresence([YOU], client.now);
    expect(client.calls(WatchPresence)[0]?.request.remove).toEqual([fieldOf(YOU)]);
    expect(shown(client)).toBeUndefined();
  });

  it("is asked about 200 at a time, and not more than 1,000 in all", async () => {
    const client = await TestClient.live();
    const many = (count: number) => Array.from({ length: count }, (_, n) => id<UserId>(5000 + n));
    expect(client.engine.watchPresence(many(1001), client.now)).toBe(false);
    expect(client.engine.watchPresence(many(450), client.now)).toBe(true);
    expect(client.calls(WatchPresence).map((call) => call.request.add.length)).toEqual([200, 200, 50]);
  });

  it("is asked about again where that was refused for now", async () => {
    const client = await TestClient.live();
    client.engine.watchPresence([YOU], client.now);
    const [call] = client.calls(WatchPresence);
    client.refuse(call?.id ?? 0, refusal(ErrorReason.RATE_LIMITED, Retry.AFTER_DELAY, 100));
    client.pass(2000);
    expect(client.calls(WatchPresence)[0]?.request.add).toEqual([fieldOf(YOU)]);
  });
});
