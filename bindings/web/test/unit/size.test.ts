// What the client costs a page. The budget only goes down, or up with a reason in the README.

import { expect, it } from "vitest";
// @ts-expect-error: a script without types
import { addition, BUDGET, measure } from "../../scripts/size.mjs";

it("the client is within its budget", async () => {
  const { gzip } = await measure("index.ts");
  expect(gzip).toBeLessThanOrEqual(BUDGET);
});

it("one method of the whole contract brings little more than its messages", async () => {
  const { gzip } = await measure("../test/unit/one-method.ts");
  expect(gzip).toBeLessThan(4 * 1024);
});

it("signing in costs a page little beside the client, and the client nothing", async () => {
  const [client, both] = [await measure("index.ts"), await measure("../test/unit/with-sign-in.ts")];
  expect(both.gzip - client.gzip).toBeLessThan(5 * 1024);
  expect(client.parts.filter(([path]: [string]) => path.includes("src/sign-in"))).toEqual([]);
});

it("passkeys cost whoever has none of them nothing", async () => {
  const { parts } = await measure("../test/unit/without-passkeys.ts");
  expect(parts.map(([path]: [string]) => path).join()).toContain("src/sign-in/login.ts");
  const carried = parts.filter(([, bytes]: [string, number]) => bytes > 0);
  expect(carried.filter(([path]: [string]) => /sign-in\/(passkey|credentials)/.test(path))).toEqual([]);
});

it("what admins do costs whoever does none of it nothing", async () => {
  const client = await measure("index.ts");
  expect(await addition("admin", client)).toBeLessThan(6 * 1024);
  expect(client.parts.filter(([path]: [string]) => path.includes("src/admin"))).toEqual([]);
});
