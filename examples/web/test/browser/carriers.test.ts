/** Which carrier a page uses, and what it does where datagrams don't come through or certificates change. */

import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connected, say, sent } from "../support/acting.ts";
import type { Visit } from "../support/browser.ts";
import { Stage } from "../support/stage.ts";

const FALLBACK_WITHIN_MS = 2000;
const DAY_MS = 24 * 3600 * 1000;

let stage: Stage;
let page: Visit;

afterEach(async () => {
  await page?.context().close();
  expect(page?.complaints ?? []).toEqual([]);
});

/** How long a page that was just opened took from asking where to connect until it was connected. */
async function connectedAfterMs(of: Page): Promise<number> {
  await connected(of);
  return of.evaluate(() => {
    const [asked] = performance
      .getEntriesByType("resource")
      .filter(({ name }) => name.endsWith("/endpoints"));
    return (performance.getEntriesByName("parlour-live")[0]?.startTime ?? Infinity) - (asked?.startTime ?? 0);
  });
}

describe("carriers", () => {
  beforeAll(async () => {
    stage = await Stage.set();
  });

  afterAll(() => stage?.clear());

  test("WebTransport is used where datagrams come through, with the hash of a certificate nobody has signed", async () => {
    page = await stage.visit("ada");
    expect(await connected(page)).toBe("webtransport");
  });

  test("WebSocket is there within two seconds where they don't", async () => {
    stage.path.isBlocked = true;
    page = await stage.visit("ada");
    expect(await connected(page)).toBe("websocket");
    expect(await connectedAfterMs(page)).toBeLessThan(FALLBACK_WITHIN_MS);
    await say(page, "by the other way");
    await sent(page, "by the other way");
    stage.path.isBlocked = false;
  });

  test("a page whose datagrams stop coming through goes on over WebSocket, and loses nothing", async () => {
    page = await stage.visit("ada");
    expect(await connected(page)).toBe("webtransport");
    stage.path.isBlocked = true;
    await say(page, "into the void");
    await page.locator(".connection-place[data-carrier=websocket]").waitFor({ state: "attached" });
    await sent(page, "into the void");
    stage.path.isBlocked = false;
    expect((await stage.log()).filter((text) => text === "into the void")).toHaveLength(1);
  });
});

const clock = process.env.FAKETIME_LIB;
if (!clock) console.warn("FAKETIME_LIB names no library: nobody looks whether certificates can change.");

describe.skipIf(!clock)("the server's own certificate changes", () => {
  beforeAll(async () => {
    stage = await Stage.set(Date.now() - 7 * DAY_MS);
  });

  afterAll(async () => {
    stage?.server.setTime(Number.POSITIVE_INFINITY);
    await stage?.clear();
  });

  const hashes = async (): Promise<string[]> => {
    const answer = await fetch(`${stage.server.url}/parlour/v1/endpoints`);
    const document = (await answer.json()) as { webtransport: { certificate_hashes: string[] } };
    return document.webtransport.certificate_hashes;
  };

  test("a page that knew both hashes connects to the next one, without asking anew", async () => {
    page = await stage.visit("ada");
    expect(await connected(page)).toBe("webtransport");
    const before = await hashes();
    stage.server.setTime(Date.now() + 7 * DAY_MS);
    await expect.poll(hashes, { timeout: 10_000 }).not.toEqual(before);
    const after = await hashes();
    expect(after[0]).toBe(before[1]);
    await say(page, "with the first one");
    await sent(page, "with the first one");
    // What the page keeps of the last visit is all it has: the hash it needs is the second one there.
    await page.route("**/parlour/v1/endpoints", (route) => route.abort());
    await stage.server.kill();
    await stage.server.run();
    await say(page, "with the second one");
    await sent(page, "with the second one");
    expect(await connected(page)).toBe("webtransport");
    expect(await stage.log()).toContain("with the second one");
  });
});
