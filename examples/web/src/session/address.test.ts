import { describe, expect, test } from "vitest";
import { takeGiven } from "./address.ts";

function at(search: string, hash: string) {
  const shown: string[] = [];
  const history = {
    replaceState: (_: unknown, __: string, url?: string | URL | null) => void shown.push(String(url)),
  };
  return { location: { hash, search, pathname: "/chat/" }, history, shown };
}

describe("what the address gives", () => {
  test("is a token, with a place to go on to", () => {
    const place = at("", "#token=a.b.c&room=01890000-0000-7000-8000-000000000000");
    expect(takeGiven(place)).toEqual({ is: "token", token: "a.b.c" });
    expect(place.shown).toEqual(["/chat/#/room/01890000-0000-7000-8000-000000000000"]);
  });

  test.each([
    ["#sign-in=a%2Fb+c", { is: "link", code: "a/b+c" }],
    ["#invite=abc", { is: "invite", code: "abc" }],
    ["#sign-in=", undefined],
  ])("is a code, which is taken out: %s", (hash, given) => {
    const place = at("", hash);
    expect(takeGiven(place)).toEqual(given);
    expect(place.shown).toEqual(["/chat/"]);
  });

  test("is a provider's answer", () => {
    const place = at("?code=abc&state=def&iss=x", "");
    const given = takeGiven(place);
    expect(given?.is === "answer" && given.parameters.get("code")).toBe("abc");
    expect(place.shown).toEqual(["/chat/"]);
  });

  test.each(["", "#/", "#/room/x", "#/threads"])("is nothing: %j", (hash) => {
    const place = at("?source=pwa", hash);
    expect(takeGiven(place)).toBeUndefined();
    expect(place.shown).toEqual([]);
  });
});
