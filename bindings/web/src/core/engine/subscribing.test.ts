import { describe, expect, it } from "vitest";
import { Subscribe } from "../../generated/rpc.js";
import { ErrorReason, Retry } from "../../generated/wire/v1/error.js";
import { fieldOf } from "../../ids.js";
import { READ_AGAIN_AFTER_MS } from "../../limits.js";
import { TestClient } from "../testing/client.js";
import { ROOM, refusal } from "../testing/events.js";

describe("a room that is looked at", () => {
  it("is subscribed to again where that was refused for a while", async () => {
    const client = await TestClient.live(10, "focused");
    await client.open();
    const [first] = client.calls(Subscribe);
    expect(first?.request.add).toEqual([fieldOf(ROOM)]);
    client.refuse(first?.id ?? 0, refusal(ErrorReason.RATE_LIMITED, Retry.AFTER_DELAY));
    expect(client.calls(Subscribe)).toEqual([]);
    client.pass(READ_AGAIN_AFTER_MS);
    const [again] = client.calls(Subscribe);
    expect(again?.request.add).toEqual([fieldOf(ROOM)]);
    client.answer(again?.id, Subscribe, {});
    client.pass(10 * READ_AGAIN_AFTER_MS);
    expect(client.calls(Subscribe)).toEqual([]);
  });

  it("isn't where it is closed meanwhile, or isn't there", async () => {
    const client = await TestClient.live(10, "focused");
    await client.open();
    const [first] = client.calls(Subscribe);
    client.refuse(first?.id ?? 0, refusal(ErrorReason.RATE_LIMITED, Retry.AFTER_DELAY));
    client.engine.closeTimeline({ room: ROOM, root: 0 });
    client.calls(Subscribe);
    client.pass(READ_AGAIN_AFTER_MS);
    expect(client.calls(Subscribe)).toEqual([]);
    await client.open();
    const [gone] = client.calls(Subscribe);
    client.refuse(gone?.id ?? 0, refusal(ErrorReason.ROOM_NOT_FOUND, Retry.NEVER));
    client.pass(READ_AGAIN_AFTER_MS);
    expect(client.calls(Subscribe)).toEqual([]);
  });
});
