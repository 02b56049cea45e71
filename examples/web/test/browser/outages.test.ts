/** What becomes of messages when the server, the network or the page is gone in the middle. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { act, composer, connected, messages, say, saying, sent, shown } from "../support/acting.ts";
import { ENGINE, type Visit } from "../support/browser.ts";
import { Stage } from "../support/stage.ts";

const BACK_WITHIN_MS = 60_000;
const KILLS = 3;
const MESSAGES = 24;

let stage: Stage;
let ada: Visit;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage?.clear());

beforeEach(async () => {
  ada = await stage.visit("ada");
  await messages(ada).last().waitFor();
});

afterEach(async () => {
  await ada.context().close();
  expect(ada.complaints).toEqual([]);
});

/** Waits until nothing of the page's waits any more. */
async function settle(page: Visit): Promise<void> {
  await connected(page, BACK_WITHIN_MS);
  const pending = page.locator(".message-sending, .message-queued, .message-failed");
  await expect.poll(() => pending.count(), { timeout: BACK_WITHIN_MS }).toBe(0);
}

describe("the server is killed while messages are being sent", () => {
  for (let kill = 1; kill <= KILLS; kill++) {
    test(`time ${kill}: none is lost, none is doubled, none looks sent that isn't`, async () => {
      const texts = Array.from({ length: MESSAGES }, (_, at) => `kill ${kill} message ${at}.`);
      const killAfter = MESSAGES / 2 - kill;
      let down: Promise<void> | undefined;
      for (const [at, text] of texts.entries()) {
        await say(ada, text);
        if (at === killAfter) down = stage.server.kill();
      }
      await down;
      const asSent = (await shown(ada)).filter(({ isSent }) => isSent).map(({ text }) => text);
      await stage.server.run();
      await settle(ada);
      const log = await stage.log();
      expect(log.filter((text) => text.startsWith(`kill ${kill} `))).toEqual(texts);
      const drawn = (await shown(ada)).map(({ text }) => text);
      expect(drawn.filter((text) => text.startsWith(`kill ${kill} `))).toEqual(
        texts.filter((text) => drawn.includes(text)),
      );
      for (const text of asSent) expect(log).toContain(text);
      // Those written after the kill can't have looked sent.
      expect(asSent).not.toContain(texts.at(-1));
    });
  }
});

test("a page that is loaded without any network has its rooms, its messages and what was being written", async () => {
  await say(ada, "said before the night");
  await sent(ada, "said before the night");
  await ada.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  // The worker is ready before it answers for this page.
  await ada.reload();
  await saying(ada, "said before the night").waitFor();
  await stage.server.kill();
  await stage.site.pause();
  await composer(ada).fill("half a thou");
  await ada.reload();
  await saying(ada, "said before the night").waitFor();
  await ada.getByRole("link", { name: /Engine room/ }).waitFor();
  expect(await composer(ada).inputValue()).toBe("half a thou");
  await composer(ada).press("End");
  await composer(ada).pressSequentially("ght");
  await composer(ada).press("Enter");
  await saying(ada, "half a thought").locator(".delivery").waitFor();
  await ada.locator(".connection").waitFor();
  await stage.site.resume();
  await stage.server.run();
  await sent(ada, "half a thought");
  expect((await stage.log()).filter((text) => text === "half a thought")).toHaveLength(1);
});

test("what was edited, answered and reacted to is so after a reload", async () => {
  await say(ada, "one with a mistkae");
  await sent(ada, "one with a mistkae");
  await composer(ada).press("ArrowUp");
  await ada.locator(".editor textarea").fill("one without a mistake");
  await ada.locator(".editor textarea").press("Enter");
  const message = saying(ada, "one without a mistake");
  await message.locator(".edited").waitFor();
  await message.hover();
  await message.getByRole("button", { name: "React with 👍" }).click();
  await act(ada, "one without a mistake", "Reply in thread");
  await ada.locator(".aside .composer textarea").fill("an answer");
  await ada.locator(".aside .composer textarea").press("Enter");
  await message.locator(".thread-link", { hasText: "1 reply" }).waitFor();
  await ada.reload();
  await message.locator(".edited").waitFor();
  await message.locator(".reaction[aria-pressed=true]", { hasText: "👍" }).waitFor();
  await message.locator(".thread-link", { hasText: "1 reply" }).waitFor();
  await ada.locator(".aside article", { hasText: "an answer" }).waitFor();
});

// Playwright can take only Chromium off the network.
test.skipIf(ENGINE === "firefox")("a browser that says it is offline is believed", async () => {
  await ada.context().setOffline(true);
  await say(ada, "under the ground");
  await ada.context().setOffline(false);
  await sent(ada, "under the ground");
  expect((await stage.log()).filter((text) => text === "under the ground")).toHaveLength(1);
});
