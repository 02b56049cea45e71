import { describe, expect, test } from "vitest";
import { withDuration } from "./webm.ts";

const EBML = [0x1a, 0x45, 0xdf, 0xa3, 0x84, 1, 2, 3, 4];
const SEGMENT = [0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const SCALE = [0x2a, 0xd7, 0xb1, 0x83, 0x0f, 0x42, 0x40];
const INFO = [0x15, 0x49, 0xa9, 0x66, 0x80 + SCALE.length, ...SCALE];
const CLUSTER = [0x1f, 0x43, 0xb6, 0x75, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 9, 9, 9];

const blob = (...bytes: number[]) => new Blob([Uint8Array.from(bytes)], { type: "audio/webm" });
const bytesOf = async (it: Blob) => [...new Uint8Array(await it.arrayBuffer())];

describe("a recording", () => {
  test("has its length behind what it says of itself, and its type", async () => {
    const fixed = await withDuration(blob(...EBML, ...SEGMENT, ...INFO, ...CLUSTER), 1500);
    const duration = [0x44, 0x89, 0x88, 0x40, 0x97, 0x70, 0, 0, 0, 0, 0];
    const size = [0x01, 0, 0, 0, 0, 0, 0, SCALE.length + duration.length];
    expect(await bytesOf(fixed)).toEqual([
      ...EBML,
      ...SEGMENT,
      ...INFO.slice(0, 4),
      ...size,
      ...SCALE,
      ...duration,
      ...CLUSTER,
    ]);
    expect(fixed.type).toBe("audio/webm");
  });

  test("that has one is left as it is", async () => {
    const once = await withDuration(blob(...EBML, ...SEGMENT, ...INFO, ...CLUSTER), 1500);
    expect(await withDuration(once, 9)).toBe(once);
  });

  test.each([
    ["nothing", []],
    ["Ogg", [0x4f, 0x67, 0x67, 0x53, 0, 2]],
    ["zeros", new Array(64).fill(0)],
    ["a segment of a known size", [...EBML, ...SEGMENT.slice(0, 4), 0x80 + INFO.length, ...INFO]],
    ["the half of it", [...EBML, ...SEGMENT, ...INFO.slice(0, 8)]],
  ])("that is %s is left as it is", async (_, bytes) => {
    const file = blob(...bytes);
    expect(await withDuration(file, 1)).toBe(file);
  });
});
