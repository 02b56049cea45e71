import { describe, expect, it } from "vitest";
import { testMessage } from "./testing.js";

describe("a message for tests", () => {
  it("says what it is told to, and nothing else", () => {
    const message = testMessage({ text: "hi", place: { in: "log", number: 7 }, isPinned: true });
    expect([message.text, message.seq, message.key, message.isPinned]).toEqual(["hi", 7, "log-7", true]);
    expect([message.reactions, message.delivery]).toEqual([[], { state: "sent" }]);
  });
});
