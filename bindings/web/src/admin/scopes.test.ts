import { describe, expect, it } from "vitest";
import { scopesIn } from "./scopes.js";

const token = (payload: unknown) => `e30.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.c2ln`;

describe("the scopes that a token lists", () => {
  it("are parted by spaces, each once", () => {
    expect(scopesIn(token({ scope: "admin:audit  guest admin:audit", sub: "ädä?>" }))).toEqual([
      "admin:audit",
      "guest",
    ]);
  });

  it.each([["", "parlour_abc", "a.b.c", "a.e30.c", token({ scope: 7 }), token(null)]])(
    "are none of what says nothing: %s",
    (...texts) => {
      for (const text of texts) expect(scopesIn(text)).toEqual([]);
    },
  );
});
