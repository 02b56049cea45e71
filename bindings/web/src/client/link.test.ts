import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { frame } from "../codec/frame.js";
import type { End } from "../core/reconnect.js";
import { type Goodbye, ServerFrame } from "../generated/wire/v1/control.js";
import { CloseCode } from "../generated/wire/v1/error.js";
import { CARRIER_ENDS_WITHIN_MS } from "../limits.js";
import type { Carrier, CarrierEnd, CarrierSink, LaneSink } from "../net/carrier.js";
import { newDevice } from "./environment.js";
import { Link } from "./link.js";

/** A carrier whose lanes end with it, as those of a WebSocket do. */
class TestCarrier implements Carrier {
  readonly name = "websocket";
  readonly closes: number[] = [];
  sink: CarrierSink | undefined;
  control: LaneSink | undefined;
  #end!: (end: CarrierEnd) => void;
  readonly closed = new Promise<CarrierEnd>((resolve) => {
    this.#end = resolve;
  });

  start(sink: CarrierSink): void {
    this.sink = sink;
  }

  openLane(sink: LaneSink) {
    this.control ??= sink;
    return { write: async () => undefined, end: () => undefined, cancel: () => undefined };
  }

  sendDatagram(): void {}

  close(code: number): void {
    this.closes.push(code);
    this.end({ type: "closed", code, reason: "" });
  }

  /** The lanes hear of it before whoever waits for the carrier. */
  end(end: CarrierEnd): void {
    this.#end(end);
    this.sink?.eventsLost();
  }
}

function linked() {
  const carrier = new TestCarrier();
  const ends: End[] = [];
  const introduction = { token: "t", device: newDevice(), resume: new Uint8Array(0), delivery: 1, agent: "" };
  const owner = {
    changed: () => {
      for (const output of link.connection.takeOutputs())
        if (output.type === "goodbye") link.handleLast(output);
    },
    bulk: () => undefined,
    ended: (_: Link, end: End) => void ends.push(end),
  };
  const link: Link = new Link(carrier, introduction, owner);
  return { carrier, ends };
}

describe("how a link ends", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is what the goodbye says, whatever happens to the lanes with it", async () => {
    const { carrier, ends } = linked();
    const goodbye: Goodbye = { code: CloseCode.REVOKED, retryAfterMs: 700, message: "" };
    carrier.control?.data(frame(ServerFrame, { frame: { case: "goodbye", value: goodbye } }));
    await vi.advanceTimersByTimeAsync(CARRIER_ENDS_WITHIN_MS);
    expect(ends).toEqual([{ type: "closed", code: CloseCode.REVOKED, retryAfterMs: 700 }]);
  });

  it("is what the carrier's close says, though the event lane is lost before", async () => {
    const { carrier, ends } = linked();
    carrier.end({ type: "closed", code: CloseCode.REPLACED, reason: "" });
    await vi.advanceTimersByTimeAsync(CARRIER_ENDS_WITHIN_MS);
    expect(ends).toEqual([{ type: "closed", code: CloseCode.REPLACED, retryAfterMs: 0 }]);
  });

  it("is what this side found wrong, with the code that says so", async () => {
    const { carrier, ends } = linked();
    carrier.control?.data(Uint8Array.of(0x81, 0x80, 0x04));
    await vi.advanceTimersByTimeAsync(CARRIER_ENDS_WITHIN_MS);
    expect(carrier.closes).toEqual([CloseCode.FRAME_TOO_LARGE]);
    expect(ends).toEqual([{ type: "closed", code: CloseCode.FRAME_TOO_LARGE, retryAfterMs: 0 }]);
  });

  it("is a loss where only the event lane goes", async () => {
    const { carrier, ends } = linked();
    carrier.sink?.eventsLost();
    await vi.advanceTimersByTimeAsync(CARRIER_ENDS_WITHIN_MS);
    expect(ends).toEqual([{ type: "lost" }]);
  });
});
