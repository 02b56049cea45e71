import { expect, test } from "vitest";
import { barsOf } from "./waveform.ts";

test("each bar is the loudest of its stretch, and the loudest of all is full", () => {
  const bars = barsOf(Uint8Array.of(10, 50, 100, 20), 2);
  expect(bars).toEqual([0.5, 1]);
});

test("more bars than values repeat them, and silence is low", () => {
  expect(barsOf(Uint8Array.of(0, 80), 4)).toEqual([0.08, 0.08, 1, 1]);
  expect(barsOf(new Uint8Array(0), 3)).toEqual([0.08, 0.08, 0.08]);
});
