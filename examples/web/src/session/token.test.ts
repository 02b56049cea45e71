import { describe, expect, test } from "vitest";
import { NotAToken } from "./session.ts";
import { TokenSignIn } from "./token.ts";

const TOKEN = `e30.${btoa(JSON.stringify({ sub: "anna", org: "acme" }))}.c2ln`;

function around() {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  return { storage, location: { origin: "https://chat.example.com" } };
}

describe("signing in with a token", () => {
  test("comes back after a reload, until the session ends", async () => {
    const place = around();
    const session = new TokenSignIn(place).begin(`  ${TOKEN}\n`);
    expect(session).toMatchObject({ token: TOKEN, url: "https://chat.example.com", subject: "anna" });
    expect(new TokenSignIn(place).restore()?.cacheName).toBe(session.cacheName);
    await session.end();
    expect(new TokenSignIn(place).restore()).toBeUndefined();
  });

  test.each(["", "hello", "a.b", "a.b.c", "a.e30.c"])("says so of what can't be a token: %j", (text) => {
    expect(() => new TokenSignIn(around()).begin(text)).toThrow(NotAToken);
  });
});
