// The contract's golden bytes, read and written by this client's codec, and by protobuf-es, which shares
// no code with it.

import { readFileSync } from "node:fs";
import {
  createFileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { decode, encode, type MessageType } from "../../src/codec/message.js";
import * as all from "../../src/generated/all.js";

interface Vector {
  case: string;
  hex: string;
  json: JsonValue;
  message: string;
  prost: string;
  python: string;
}

const golden = new URL("../../../../protocol/tests/golden/", import.meta.url);
const contract = new URL("../../src/generated/contract.binpb", import.meta.url);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(contract)));

function vectors(file: string): Vector[] {
  const lines = readFileSync(new URL(file, golden), "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Vector);
}

function bytes(vector: Vector): Uint8Array {
  return new Uint8Array(Buffer.from(vector.hex, "hex"));
}

function hex(written: Uint8Array): string {
  return Buffer.from(written).toString("hex");
}

function described(name: string) {
  const found = registry.getMessage(name);
  if (found === undefined) throw new Error(`${name} isn't in the contract`);
  return found;
}

/** This client's type of that name; options are for the generator only. */
function typeOf(name: string): MessageType<unknown> | undefined {
  const short = name.slice(name.lastIndexOf(".") + 1);
  return (all as unknown as Record<string, MessageType<unknown>>)[short];
}

const BEYOND = String(Number.MAX_SAFE_INTEGER);

/** The same with what numbers don't hold at their bound; the contract promises that nothing is above it. */
function bounded(value: JsonValue): JsonValue {
  if (typeof value === "string") {
    return /^\d{16,}$/.test(value) && !Number.isSafeInteger(Number(value)) ? BEYOND : value;
  }
  if (Array.isArray(value)) return value.map(bounded);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, bounded(inner ?? null)]));
}

describe("golden vectors", () => {
  const positive = vectors("vectors.jsonl");

  it("are there", () => expect(positive.length).toBeGreaterThan(400));

  it("are read and written by protobuf-es as they are", () => {
    for (const vector of positive) {
      const schema = described(vector.message);
      const message = fromBinary(schema, bytes(vector));
      expect(toJson(schema, message), vector.message).toEqual(vector.json);
      expect(hex(toBinary(schema, message)), vector.message).toBe(vector.hex);
      expect(hex(toBinary(schema, fromJson(schema, vector.json))), vector.message).toBe(vector.hex);
    }
  });

  // Arms of `SignIn.how` whose numbers are above those of fields behind it.
  const LATE_ARMS = ["passkey", "question"];

  it("are read and written by this client as they are", () => {
    let exact = 0;
    for (const vector of positive) {
      const type = typeOf(vector.message);
      if (type === undefined) continue;
      const written = encode(type, decode(type, bytes(vector)) as never);
      const schema = described(vector.message);
      const within = bounded(vector.json);
      expect(toJson(schema, fromBinary(schema, written)), vector.message).toEqual(within);
      if (JSON.stringify(within) !== JSON.stringify(vector.json)) continue;
      exact++;
      // All arms of a oneof are written where the first one stands, as prost does; others go by the numbers.
      const isLate =
        vector.message === "parlour.wire.v1.SignIn" && LATE_ARMS.some((arm) => vector.case.startsWith(arm));
      const isMoved = isLate && written.length === bytes(vector).length;
      if (!isMoved) expect(hex(written), `${vector.message} ${vector.case}`).toBe(vector.hex);
    }
    expect(exact).toBeGreaterThan(350);
  });
});

describe("bytes that are no message", () => {
  const negative = [...vectors("negative.jsonl"), ...vectors("negative-2.jsonl")];

  it("are refused where every decoder refuses them, and taken where every decoder takes them", () => {
    for (const vector of negative) {
      const type = typeOf(vector.message);
      if (type === undefined || vector.prost !== vector.python) continue;
      let outcome = "taken";
      try {
        decode(type, bytes(vector));
      } catch {
        outcome = "refused";
      }
      expect(outcome, `${vector.message}: ${vector.case}`).toBe(vector.prost);
    }
  });
});
