import { describe, expect, it } from "vitest";
import { Permission } from "../generated/access/v1/access.js";
import { Permissions } from "./access.js";

describe("a set of permissions", () => {
  it("has those that its bits say", () => {
    const some = new Permissions(2 ** (Permission.VIEW - 1) + 2 ** (Permission.PIN - 1));
    expect([some.has("VIEW"), some.has("PIN"), some.has("SEND")]).toEqual([true, true, false]);
  });

  it("takes and loses one, once", () => {
    const some = new Permissions().with("SEND").with("SEND").with("REACT");
    expect([some.has("SEND"), some.without("SEND").has("SEND"), some.without("SEND").has("REACT")]).toEqual([
      true,
      false,
      true,
    ]);
    expect(some.without("PIN").bits).toBe(some.bits);
  });

  it("keeps those of a later version, also beyond 32 bits", () => {
    const later = new Permissions(2 ** 40);
    expect(later.with("SEND").without("SEND").bits).toBe(2 ** 40);
    expect(later.has("SEND")).toBe(false);
  });
});
