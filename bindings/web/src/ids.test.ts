import { describe, expect, it } from "vitest";
import { fieldOf, idOf, roomId, uuidV7 } from "./ids.js";

describe("ids", () => {
  it("are UUIDs as text and sixteen bytes as fields", () => {
    const text = "018bcfe5-6800-7222-a222-222222222222";
    expect(idOf(fieldOf(text))).toBe(text);
    expect(idOf(new Uint8Array(15))).toBeUndefined();
    expect(roomId(text.toUpperCase())).toBe(text);
    expect(roomId("lunch")).toBeUndefined();
  });

  it("of things sent begin with their time", () => {
    expect(uuidV7(0x018bcfe56800, new Uint8Array(10).fill(0x22))).toBe(
      "018bcfe5-6800-7222-a222-222222222222",
    );
  });
});
