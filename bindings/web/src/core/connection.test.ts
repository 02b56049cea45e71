import { describe, expect, it } from "vitest";
import { frame, Splitter } from "../codec/frame.js";
import { decode, type Init } from "../codec/message.js";
import { ClientFrame, ServerFrame } from "../generated/wire/v1/control.js";
import { CloseCode, ErrorReason, Retry } from "../generated/wire/v1/error.js";
import { EventFrame, LaneKind, LaneOpen } from "../generated/wire/v1/lanes.js";
import type { DeviceId } from "../ids.js";
import { Connection, closeCodeOf, type Output } from "./connection.js";
import { at, id, refusal } from "./testing/events.js";

const introduction = {
  token: "eyJ",
  device: id<DeviceId>(9),
  resume: new Uint8Array(0),
  delivery: 1,
  agent: "test",
};

function fromServer(arm: Init<NonNullable<ServerFrame["frame"]>>): Uint8Array {
  return frame(ServerFrame, { frame: arm });
}

function said(connection: Connection): NonNullable<ClientFrame["frame"]>[] {
  const splitter = new Splitter(100_000);
  splitter.push(connection.takeTransmit() ?? new Uint8Array(0));
  const frames: NonNullable<ClientFrame["frame"]>[] = [];
  for (let next = splitter.nextFrame(); next; next = splitter.nextFrame()) {
    const { frame: arm } = decode(ClientFrame, next);
    if (arm) frames.push(arm);
  }
  return frames;
}

function live(): Connection {
  const connection = new Connection(introduction, at(0));
  said(connection);
  connection.handleControl(fromServer({ case: "welcome", value: { rev: 1 } }), at(10));
  expect(types(connection.takeOutputs())).toEqual(["welcome"]);
  return connection;
}

const types = (outputs: Output[]) => outputs.map((output) => output.type);
const body = Uint8Array.of(1);

describe("a connection", () => {
  it("begins with a hello", () => {
    const [hello] = said(new Connection(introduction, at(0)));
    expect(hello).toMatchObject({
      case: "hello",
      value: { minRev: 1, maxRev: 1, token: "eyJ", agent: "test" },
    });
  });

  it("keeps what the event lane says until the welcome is there", () => {
    const connection = new Connection(introduction, at(0));
    const gap = { frame: { case: "gap", value: { rooms: [] } } } as const;
    connection.handleEvents(frame(LaneOpen, { kind: LaneKind.EVENT }), at(1));
    connection.handleEvents(frame(EventFrame, gap), at(1));
    expect(connection.takeOutputs()).toEqual([]);
    connection.handleControl(fromServer({ case: "welcome", value: {} }), at(2));
    expect(types(connection.takeOutputs())).toEqual(["welcome", "live"]);
  });

  it("takes answers in any order, each once", () => {
    const connection = live();
    for (const call of [1, 2]) connection.call(call, 30, body, 0);
    expect(said(connection).map((arm) => arm.case)).toEqual(["call", "call"]);
    connection.handleControl(
      fromServer({ case: "reply", value: { id: 2, result: { case: "body", value: body } } }),
      at(20),
    );
    const error = refusal(ErrorReason.NOT_ALLOWED, Retry.NEVER);
    connection.handleControl(
      fromServer({ case: "reply", value: { id: 1, result: { case: "error", value: error } } }),
      at(21),
    );
    connection.handleControl(fromServer({ case: "reply", value: { id: 1 } }), at(22));
    const outputs = connection.takeOutputs();
    expect(outputs).toMatchObject([
      { id: 2, result: { ok: true } },
      { id: 1, result: { ok: false, error: { reason: ErrorReason.NOT_ALLOWED } } },
    ]);
  });

  it("has no more calls in flight than the server takes", () => {
    const connection = live();
    for (let call = 1; call <= 300; call++) connection.call(call, 30, body, 0);
    expect(said(connection)).toHaveLength(256);
    connection.cancel(300);
    connection.cancel(1);
    expect(said(connection).map((arm) => arm.case)).toEqual(["cancel", "call"]);
  });

  it("asks after 15 s of silence whether the server is there, and gives up", () => {
    const connection = live();
    expect(connection.timeoutMs).toBe(15_010);
    connection.handleTimeout(at(15_010));
    expect(said(connection)).toMatchObject([{ case: "ping", value: { nonce: 1 } }]);
    connection.handleTimeout(at(18_010));
    connection.handleTimeout(at(25_010));
    expect(types(connection.takeOutputs())).toEqual(["stalled", "lost"]);
  });

  it("asks sooner while calls wait, and is content with a pong", () => {
    const connection = live();
    connection.call(1, 30, body, 0);
    expect(connection.timeoutMs).toBe(3010);
    connection.handleTimeout(at(3010));
    connection.handleControl(fromServer({ case: "pong", value: { nonce: 1 } }), at(3050));
    expect(types(connection.takeOutputs())).toEqual(["pong"]);
  });

  it("is lost where no welcome comes", () => {
    const connection = new Connection(introduction, at(0));
    connection.handleTimeout(at(10_000));
    expect(types(connection.takeOutputs())).toEqual(["lost"]);
  });

  it("tells what the server says of its end", () => {
    const connection = live();
    connection.handleControl(fromServer({ case: "reauthRequired", value: { deadlineMs: 5 } }), at(20));
    connection.handleControl(fromServer({ case: "drain", value: { jitterMs: 9 } }), at(20));
    connection.handleControl(fromServer({ case: "goodbye", value: { code: CloseCode.DRAINING } }), at(20));
    expect(types(connection.takeOutputs())).toEqual(["reauth-required", "drain", "goodbye"]);
  });

  it.each([
    [
      "a reply before the welcome",
      () => new Connection(introduction, at(0)),
      fromServer({ case: "reply", value: {} }),
      CloseCode.UNEXPECTED_FRAME,
    ],
    ["a second welcome", live, fromServer({ case: "welcome", value: {} }), CloseCode.UNEXPECTED_FRAME],
    ["a frame that is too large", live, Uint8Array.of(0x81, 0x80, 0x04), CloseCode.FRAME_TOO_LARGE],
    ["a frame that is no message", live, Uint8Array.of(2, 0x0a, 5), CloseCode.MALFORMED_FRAME],
  ])("is closed after %s", (_, connection, bytes, code) => {
    let thrown: unknown;
    try {
      connection().handleControl(bytes, at(20));
    } catch (error) {
      thrown = error;
    }
    expect(closeCodeOf(thrown)).toBe(code);
  });

  it("ignores frames that it doesn't know", () => {
    const connection = live();
    connection.handleControl(Uint8Array.of(3, 0xfa, 0x01, 0x00), at(20));
    expect(connection.takeOutputs()).toEqual([]);
  });
});
