import { describe, expect, it, vi } from "vitest";
import { frame, Splitter } from "../codec/frame.js";
import { decode, type Init } from "../codec/message.js";
import { ClientFrame, ServerFrame } from "../generated/wire/v1/control.js";
import { CloseCode, ErrorReason } from "../generated/wire/v1/error.js";
import type { SignInResult } from "../generated/wire/v1/sign_in.js";
import type { Carrier, LaneSink } from "../net/carrier.js";
import { exchange } from "./exchange.js";

const never = new AbortController().signal;
const REQUEST = { nextHash: new Uint8Array(32).fill(7), agent: "test" };

/** A carrier whose other side says this once something was said to it. */
function carrier(say: (sink: LaneSink) => void) {
  const heard = new Splitter(1000);
  let finish: () => void = () => undefined;
  const closed = new Promise<never>((resolve) => {
    finish = () => resolve({ type: "lost" } as never);
  });
  const made = {
    name: "websocket",
    closed,
    start: () => undefined,
    close: vi.fn(() => finish()),
    openLane: (sink: LaneSink) => ({
      write: async (bytes: Uint8Array) => {
        heard.push(bytes);
        queueMicrotask(() => say(sink));
      },
    }),
  };
  return { made: made as unknown as Carrier, close: made.close, heard };
}

const says = (result: Init<NonNullable<SignInResult["result"]>>) =>
  frame(ServerFrame, { frame: { case: "signInResult", value: { result } } });
const SIGNED_IN = says({ case: "signedIn", value: { token: "abc", login: Uint8Array.of(1) } });

describe("an exchange", () => {
  it("asks, takes the answer however it is cut, and closes", async () => {
    const other = carrier((sink) => {
      for (const byte of SIGNED_IN) void sink.data(Uint8Array.of(byte));
    });
    const answer = await exchange(async () => other.made, REQUEST, never);
    expect(answer).toMatchObject({ case: "signedIn", value: { token: "abc" } });
    const asked = decode(ClientFrame, other.heard.nextFrame() ?? new Uint8Array(0));
    expect(asked.frame).toMatchObject({ case: "signIn", value: REQUEST });
    expect(other.close).toHaveBeenCalledWith(CloseCode.CLIENT_DONE, "");
  });

  it("fails as the server refuses", async () => {
    const error = { reason: ErrorReason.RATE_LIMITED, retryAfterMs: 1000 };
    const other = carrier((sink) => void sink.data(says({ case: "error", value: error })));
    const asked = exchange(async () => other.made, REQUEST, never);
    await expect(asked).rejects.toMatchObject({ reason: "RATE_LIMITED", retryAfterMs: 1000 });
  });

  it("doesn't know what became of it where the connection ends", async () => {
    const other = carrier((sink) => sink.reset(0));
    await expect(exchange(async () => other.made, REQUEST, never)).rejects.toMatchObject({ kind: "offline" });
    const none = exchange(() => Promise.reject(new Error("no carrier")), REQUEST, never);
    await expect(none).rejects.toMatchObject({ kind: "offline" });
  });

  it("takes no answer without anything in it", async () => {
    const empty = frame(ServerFrame, { frame: { case: "signInResult", value: {} } });
    const other = carrier((sink) => void sink.data(empty));
    await expect(exchange(async () => other.made, REQUEST, never)).rejects.toMatchObject({
      kind: "malformed",
    });
  });

  it("takes no nonsense", async () => {
    const other = carrier((sink) => void sink.data(Uint8Array.of(255, 255, 255, 255, 255, 255)));
    await expect(exchange(async () => other.made, REQUEST, never)).rejects.toMatchObject({
      kind: "malformed",
    });
    expect(other.close).toHaveBeenCalled();
  });

  it("is given up", async () => {
    const given = new AbortController();
    const other = carrier(() => given.abort(new Error("enough")));
    await expect(exchange(async () => other.made, REQUEST, given.signal)).rejects.toThrow("enough");
  });
});
