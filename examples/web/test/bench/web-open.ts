/** `web-open`: from the address to the first message painted, of somebody with many rooms. */

import { join } from "node:path";
import type { Browser, BrowserContext } from "playwright-core";
import { browse } from "../support/browser.ts";
import { Site } from "../support/site.ts";
import { print } from "./figure.ts";
import { fill } from "./filled.ts";

const ROOMS = 5000;
const MESSAGES = 200;
const REPETITIONS = 5;
/** Of a first visit, with everything to fetch, and of one with the files and the cache of the last. */
const GOALS_MS = { cold: 2500, warm: 1000 };
const SETTLED_MS = 4000;

/** Measures both. */
export async function webOpen({ isQuick }: { isQuick: boolean }): Promise<void> {
  const rooms = isQuick ? 200 : ROOMS;
  const { server, room } = await fill(rooms, MESSAGES);
  const site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  const browser = await browse();
  const url = `${site.url}#token=${server.token("ada", "Ada Lovelace")}&room=${room}`;
  try {
    const cold: number[] = [];
    const warm: number[] = [];
    for (let repetition = 0; repetition < (isQuick ? 1 : REPETITIONS); repetition++) {
      const context = await open(browser);
      cold.push(await visit(context, url, SETTLED_MS));
      warm.push(await visit(context, url, 0));
      await context.close();
    }
    const of = { bench: "web-open", unit: "ms" };
    const params = { rooms, messages: MESSAGES };
    print({ ...of, params: { ...params, cache: "cold" }, values: cold, goal: GOALS_MS.cold, timesMs: cold });
    print({ ...of, params: { ...params, cache: "warm" }, values: warm, goal: GOALS_MS.warm, timesMs: warm });
  } finally {
    await browser.close();
    await site.stop();
    await server.stop();
  }
}

async function open(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, locale: "en-GB" });
  await context.addInitScript(() => {
    const look = () => {
      const isThere = document.querySelector(".timeline article.message .text");
      if (!isThere) requestAnimationFrame(look);
      // What stands in the document now is painted before the next frame begins.
      else requestAnimationFrame(() => performance.mark("first-message"));
    };
    requestAnimationFrame(look);
  });
  return context;
}

/** One visit, in milliseconds. The page is left open for a while, so that it can keep what the next one has. */
async function visit(context: BrowserContext, url: string, stayMs: number): Promise<number> {
  const page = await context.newPage();
  await page.goto(url, { waitUntil: "commit" });
  const mark = () => performance.getEntriesByName("first-message")[0]?.startTime;
  const took = await page.waitForFunction(mark, undefined, { timeout: 60_000, polling: 100 });
  const ms = (await took.jsonValue()) as number;
  await page.waitForTimeout(stayMs);
  await page.close();
  return ms;
}
