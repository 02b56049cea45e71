// What the client costs a page. The budget only goes down, or up with a reason in the README.

import { expect, it } from "vitest";
// @ts-expect-error: a script without types
import { BUDGET, measure } from "../../scripts/size.mjs";

it("the client is within its budget", async () => {
  const { gzip } = await measure("index.ts");
  expect(gzip).toBeLessThanOrEqual(BUDGET);
});

it("one method of the whole contract brings little more than its messages", async () => {
  const { gzip } = await measure("../test/unit/one-method.ts");
  expect(gzip).toBeLessThan(4 * 1024);
});
