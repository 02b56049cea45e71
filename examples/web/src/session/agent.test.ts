import { expect, test } from "vitest";
import { agentOf, deviceOf } from "./agent.ts";

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Parlour (Firefox, Linux)"],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36 Edg/131.0",
    "Parlour (Edge, Windows)",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1",
    "Parlour (Safari, iOS)",
  ],
  [
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
    "Parlour (Chrome, Android)",
  ],
  ["something else", "Parlour"],
])("a browser is called after itself and its system: %s", (userAgent, name) => {
  expect(agentOf(userAgent)).toBe(name);
});

test("a device is called after its browser and system, as far as they are known", () => {
  expect(deviceOf("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")).toBe(
    "Firefox, Linux",
  );
  expect(deviceOf("something else", "macOS")).toBe("macOS");
  expect(deviceOf("something else")).toBe("");
});
