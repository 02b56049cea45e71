import { expect, test } from "vitest";
import { squareOf } from "./portrait.ts";

test.each([
  [100, 100, { x: 0, y: 0, side: 100 }],
  [301, 100, { x: 100, y: 0, side: 100 }],
  [100, 250, { x: 0, y: 75, side: 100 }],
])("of %i by %i pixels the middle is shown", (width, height, square) => {
  expect(squareOf(width, height)).toEqual(square);
});
