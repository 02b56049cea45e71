import { expect, test } from "vitest";
import { handleFor } from "./handle.ts";

test.each([
  ["Ada Lovelace", "ada.lovelace"],
  ["  Zoë  Müßig ", "zoe.mussig"],
  ["O'Neill, Jr.", "o.neill.jr"],
  ["آدا", ""],
  ["a".repeat(40), "a".repeat(32)],
])("%j may be called %j", (name, handle) => {
  expect(handleFor(name)).toBe(handle);
});
