import { describe, expect, it } from "vitest";
import { encode } from "../../codec/message.js";
import * as Kind from "../../generated/kinds.js";
import { BlockChanged, ListBlockedResponse } from "../../generated/people/v1/people.js";
import { ListBlocked } from "../../generated/rpc.js";
import { Typing } from "../../generated/typing/v1/typing.js";
import { fieldOf } from "../../ids.js";
import { TestClient } from "../testing/client.js";
import { event, ROOM, YOU } from "../testing/events.js";

const signals = (client: TestClient) => client.told("signal").map(({ signal }) => signal);

function hear(client: TestClient, kind: number, body: Uint8Array): void {
  const ephemeral = { room: fieldOf(ROOM), sender: fieldOf(YOU), kind, body };
  client.engine.handleLive({ type: "ephemeral", ephemeral }, client.now);
}

describe("what the engine doesn't keep", () => {
  it("is told as it comes, but for typing", async () => {
    const client = await TestClient.live();
    expect(signals(client)).toEqual([{ type: "missed" }]);
    hear(client, Kind.typing, encode(Typing, { active: true }));
    hear(client, Kind.readReceipt, Uint8Array.of(8, 3));
    const said = { room: ROOM, sender: YOU, kind: Kind.readReceipt, body: Uint8Array.of(8, 3) };
    expect(signals(client)).toEqual([{ type: "ephemeral", ...said }]);
  });

  it("is every event of the user's own log, once and in order", async () => {
    const client = await TestClient.live();
    signals(client);
    const block = (seq: number, blocked: boolean) =>
      event({ seq, kind: Kind.blockChanged }, BlockChanged, { user: fieldOf(YOU), blocked });
    client.engine.handleLive({ type: "user", events: [block(2, false)] }, client.now);
    client.engine.handleLive({ type: "user", events: [block(1, true), block(2, false)] }, client.now);
    client.engine.handleLive({ type: "user", events: [block(1, true)] }, client.now);
    const heard = signals(client).map((signal) => signal.type === "own" && signal.body);
    expect(heard).toMatchObject([
      { case: "blockChanged", value: { blocked: true } },
      { case: "blockChanged", value: { blocked: false } },
    ]);
    expect(client.engine.meta.blocked.size).toBe(0);
  });

  it("says that the server told anew whom the user has blocked", async () => {
    const client = await TestClient.live();
    signals(client);
    const [asked] = client.calls(ListBlocked);
    client.answer(asked?.id, { response: ListBlockedResponse }, { users: [fieldOf(YOU)], asOfSeq: 0 });
    expect(signals(client)).toEqual([{ type: "learned" }]);
    expect([...client.engine.meta.blocked]).toEqual([YOU]);
  });

  it("asks again whom the user has blocked where news has come meanwhile, and only there", async () => {
    const client = await TestClient.live();
    const [asked] = client.calls(ListBlocked);
    const news = event({ seq: 1, kind: Kind.blockChanged }, BlockChanged, {
      user: fieldOf(YOU),
      blocked: true,
    });
    client.engine.handleLive({ type: "user", events: [news] }, client.now);
    client.answer(asked?.id, { response: ListBlockedResponse }, { asOfSeq: 0 });
    const [again] = client.calls(ListBlocked);
    expect(again).toBeDefined();
    // A server that doesn't say as of when isn't asked for ever.
    client.answer(again?.id, { response: ListBlockedResponse }, { users: [fieldOf(YOU)], asOfSeq: 0 });
    expect(client.calls(ListBlocked)).toEqual([]);
    expect([...client.engine.meta.blocked]).toEqual([YOU]);
  });
});
