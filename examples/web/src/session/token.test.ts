import { describe, expect, test } from "vitest";
import { NotAToken } from "./session.ts";
import { TokenSignIn } from "./token.ts";

const TOKEN = `e30.${btoa(JSON.stringify({ sub: "ada", org: "acme" }))}.c2ln`;

function around(hash = "") {
  const kept = new Map<string, string>();
  const shown: string[] = [];
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const location = { hash, origin: "https://chat.example.com", pathname: "/chat/", search: "" };
  const history = {
    replaceState: (_: unknown, __: string, url?: string | URL | null) => void shown.push(String(url)),
  };
  return { storage, location, history, kept, shown };
}

describe("signing in with a token", () => {
  test("takes it out of the address at once", () => {
    const place = around(`#token=${TOKEN}&room=01890000-0000-7000-8000-000000000000`);
    const session = new TokenSignIn(place).restore();
    expect(session?.url).toBe("https://chat.example.com");
    expect(place.shown).toEqual(["/chat/#/room/01890000-0000-7000-8000-000000000000"]);
  });

  test("comes back after a reload, until the session ends", async () => {
    const place = around();
    const session = new TokenSignIn(place).begin(`  ${TOKEN}\n`);
    expect(await session.token(false)).toBe(TOKEN);
    expect(new TokenSignIn(place).restore()?.cacheName).toBe(session.cacheName);
    await session.end();
    expect(new TokenSignIn(place).restore()).toBeUndefined();
  });

  test.each(["", "hello", "a.b", "a.b.c", "a.e30.c"])("says so of what can't be a token: %j", (text) => {
    expect(() => new TokenSignIn(around()).begin(text)).toThrow(NotAToken);
  });
});
