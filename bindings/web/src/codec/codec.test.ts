import { describe, expect, it } from "vitest";
import { randomFrom } from "../core/testing/events.js";
import { SyncItem } from "../generated/sync/v1/sync.js";
import { Profile } from "../generated/user/v1/user.js";
import { Call, ClientFrame, Reply, ServerFrame } from "../generated/wire/v1/control.js";
import { EventFrame } from "../generated/wire/v1/lanes.js";
import { FrameError, frame, Splitter } from "./frame.js";
import { decode, encode, type MessageType } from "./message.js";
import { Malformed, Reader, Writer } from "./wire.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (digits: string) => new Uint8Array(Buffer.from(digits.replaceAll(" ", ""), "hex"));

describe("integers", () => {
  it.each([0, 1, 127, 128, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 49, Number.MAX_SAFE_INTEGER])(
    "%d comes back",
    (value) => {
      expect(new Reader(new Writer().varint(value).finish()).uint64()).toBe(value);
    },
  );

  it("beyond what numbers hold are taken as the bound", () => {
    expect(new Reader(bytes("ffffffffffffffffff01")).uint64()).toBe(Number.MAX_SAFE_INTEGER);
  });

  it("that are negative take ten bytes and come back", () => {
    const written = new Writer().varint(-5).finish();
    expect(written.length).toBe(10);
    expect(new Reader(written).int64()).toBe(-5);
    expect(new Reader(written).int32()).toBe(-5);
  });
});

describe("a message", () => {
  it("that comes twice in a field is one", () => {
    const once = encode(ClientFrame, { frame: { case: "call", value: { id: 1, method: 2 } } });
    const again = encode(ClientFrame, { frame: { case: "call", value: { method: 3, chain: 4 } } });
    const { frame: arm } = decode(ClientFrame, new Uint8Array([...once, ...again]));
    expect(arm).toEqual({ case: "call", value: { id: 1, method: 3, body: new Uint8Array(0), chain: 4 } });
  });

  it("keeps the last arm of several", () => {
    const body = encode(Reply, { id: 7, result: { case: "body", value: Uint8Array.of(9) } });
    const error = encode(Reply, { result: { case: "error", value: { reason: 5 } } });
    expect(decode(Reply, new Uint8Array([...body, ...error])).result?.case).toBe("error");
  });

  it("tells what is empty from what isn't set", () => {
    expect(hex(encode(Profile, { name: "" }))).toBe("0a00");
    expect(decode(Profile, bytes("0a00"))).toEqual({ name: "" });
    expect(decode(Profile, bytes(""))).toEqual({});
  });

  it("is read without what isn't known", () => {
    const unknown = bytes("0801 c03e05 c23e03616263 c33e0801c43e");
    expect(decode(Call, unknown)).toEqual({ id: 1, method: 0, body: new Uint8Array(0), chain: 0 });
  });
});

describe("any bytes at all", () => {
  it("are a message, or malformed", () => {
    const random = randomFrom(1);
    let taken = 0;
    for (let n = 0; n < 20_000; n++) {
      const length = Math.floor(random() * 40);
      const garbage = Uint8Array.from({ length }, () => Math.floor(random() * (random() < 0.5 ? 32 : 256)));
      for (const type of [ServerFrame, EventFrame, SyncItem] as MessageType<unknown>[]) {
        try {
          encode(type, decode(type, garbage) as never);
          taken++;
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed);
        }
      }
    }
    expect(taken).toBeGreaterThan(1000);
  });
});

describe("frames", () => {
  it("are as the protocol shows them", () => {
    const call = { id: 1, method: 30, body: bytes("0102") };
    expect(hex(frame(ClientFrame, { frame: { case: "call", value: call } }))).toBe("0a12080801101e1a020102");
  });

  it("are cut out of pieces of any size", () => {
    const whole = [
      frame(Call, { id: 300, body: new Uint8Array(200) }),
      frame(Call, {}),
      frame(Call, { id: 2 }),
    ];
    for (const size of [1, 2, 3, 50, 1000]) {
      const splitter = new Splitter(1000);
      const found: number[] = [];
      const all = Buffer.concat(whole);
      for (let from = 0; from < all.length; from += size) {
        splitter.push(all.subarray(from, from + size));
        for (let next = splitter.nextFrame(); next; next = splitter.nextFrame())
          found.push(decode(Call, next).id);
      }
      expect(found).toEqual([300, 0, 2]);
      expect(() => splitter.finish()).not.toThrow();
    }
  });

  it.each([
    ["too large", "e907", "too-large"],
    ["lengths longer than need be", "8000", "overlong-length"],
    ["lengths of more than five bytes", "8080808080", "overlong-length"],
  ])("that are %s are refused before anything is kept for them", (_, digits, fault) => {
    const splitter = new Splitter(1000);
    splitter.push(bytes(digits));
    expect(() => splitter.nextFrame()).toThrow(expect.objectContaining({ fault }));
  });

  it("that are cut off are no frames", () => {
    const splitter = new Splitter(10);
    splitter.push(bytes("0501"));
    expect(splitter.nextFrame()).toBeUndefined();
    expect(() => splitter.finish()).toThrow(FrameError);
  });

  it("hold no message where the bytes are none", () => {
    expect(() => decode(Call, bytes("0a05"))).toThrow(Malformed);
  });
});
