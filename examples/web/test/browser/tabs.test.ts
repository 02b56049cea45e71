/** One person in two tabs of one browser: the same login, each with a client of its own. */

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { composer, goTo, say, saying } from "../support/acting.ts";
import { openTab, type Visit } from "../support/browser.ts";
import { Stage } from "../support/stage.ts";

let stage: Stage;
let first: Visit;
let second: Visit;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage?.clear());

beforeEach(async () => {
  first = await stage.visit("ada");
  await saying(first, "The beginning").waitFor();
  second = await openTab(first.context(), stage.site.url, stage.token("ada"), stage.room);
  await saying(second, "The beginning").waitFor();
});

afterEach(async () => {
  await first.context().close();
  expect([...first.complaints, ...second.complaints]).toEqual([]);
});

test("what one tab sends stands in the other, once and as the user's own", async () => {
  await say(first, "from the first tab");
  await saying(second, "from the first tab").waitFor();
  await say(second, "from the second tab");
  await saying(first, "from the second tab").waitFor();
  for (const tab of [first, second]) {
    expect(await saying(tab, "from the first tab").count()).toBe(1);
    expect(await saying(tab, "from the second tab").count()).toBe(1);
  }
  await composer(second).press("ArrowUp");
  await second.locator(".editor textarea").fill("from the second tab, edited in it");
  await second.locator(".editor textarea").press("Enter");
  await saying(first, "edited in it").locator(".edited").waitFor();
});

test("what is read in one tab is read in the other", async () => {
  for (const tab of [first, second]) await goTo(tab, "#/threads");
  const ben = await stage.server.connect("ben", "Ben Okafor");
  await ben.room(stage.room).send("news for Ada");
  await ben.disconnect();
  for (const tab of [first, second]) await tab.locator(".room .badge", { hasText: "1" }).waitFor();
  await first.bringToFront();
  await goTo(first, `#/room/${stage.room}`);
  await saying(first, "news for Ada").waitFor();
  await second.locator(".room .badge").waitFor({ state: "detached" });
});

test("what is begun in one tab can be finished in the other, and is gone from both when it is sent", async () => {
  await first.bringToFront();
  await composer(first).fill("begun in the first");
  await expect.poll(() => composer(second).inputValue()).toBe("begun in the first");
  await second.bringToFront();
  await composer(second).press("End");
  await composer(second).pressSequentially(", finished in the second");
  await composer(second).press("Enter");
  await saying(first, "begun in the first, finished in the second").waitFor();
  await expect.poll(() => composer(first).inputValue()).toBe("");
});

test("a tab goes on when the other one is closed", async () => {
  await first.close();
  await say(second, "alone now");
  await saying(second, "alone now").waitFor();
  await second.reload();
  await saying(second, "alone now").waitFor();
});
