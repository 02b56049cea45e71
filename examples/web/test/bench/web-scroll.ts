/**
 * `web-scroll`: how long frames take while somebody goes through a long timeline. Of a real room, whose pages come
 * from the server as they are needed, and of one that holds 100,000 messages at once, which are made up in the page.
 */

import { join } from "node:path";
import type { CDPSession, Page } from "playwright-core";
import { browse, visit } from "../support/browser.ts";
import { Site } from "../support/site.ts";
import { at, print } from "./figure.ts";
import { fill } from "./filled.ts";

/** What the page of made-up messages has. */
declare const bench: { scroll(step: number): Promise<number[]>; append(): Promise<number[]> };

const MESSAGES = 100_000;
const MESSAGES_QUICK = 2000;
const REPETITIONS = 3;
/** Of the slowest frame in a hundred: what takes longer is felt. */
const GOAL_MS = 50;
const STEPS = { slowly: 120, fast: 1500, "in leaps": 20_000 };
const WHEEL_STEPS = 240;

/** Measures both. */
export async function webScroll({ isQuick }: { isQuick: boolean }): Promise<void> {
  const reps = isQuick ? 1 : REPETITIONS;
  await madeUp(reps);
  await real(isQuick ? MESSAGES_QUICK : MESSAGES, reps);
}

async function madeUp(reps: number): Promise<void> {
  const site = await Site.start(join(import.meta.dirname, "../../.bench"), 0);
  const browser = await browse();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(site.url);
    await page.locator("article.message").first().waitFor();
    const session = await watch(page);
    for (const [how, step] of Object.entries(STEPS)) {
      await report({ timeline: "held", how }, reps, session, () =>
        page.evaluate((by) => bench.scroll(by), step),
      );
    }
    await report({ timeline: "held", how: "a message a frame, at the end" }, reps, session, () =>
      page.evaluate(() => bench.append()),
    );
  } finally {
    await browser.close();
    await site.stop();
  }
}

async function real(messages: number, reps: number): Promise<void> {
  const beganMs = performance.now();
  const { server, room } = await fill(1, messages);
  console.error(`${messages} messages were sent in ${Math.round((performance.now() - beganMs) / 1000)} s`);
  const site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  const browser = await browse();
  try {
    const page = await visit(browser, site.url, server.token("ada", "Ada Lovelace"), { room });
    await page.locator(".timeline article").first().waitFor();
    const session = await watch(page);
    const how = "by the wheel, as pages come";
    await report({ timeline: "server", messages, how }, reps, session, () => wheel(page));
  } finally {
    await browser.close();
    await site.stop();
    await server.stop();
  }
}

/** Frames of the page while the wheel is turned, as fast as somebody who looks for something turns it. */
async function wheel(page: Page): Promise<number[]> {
  await page.evaluate(() => {
    const took: number[] = [];
    Object.assign(globalThis, { took });
    let last = performance.now();
    const look = (now: number) => {
      took.push(now - last);
      last = now;
      if ((globalThis as unknown as { took: number[] }).took === took) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await page.mouse.move(800, 400);
  for (let step = 0; step < WHEEL_STEPS; step++) {
    await page.mouse.wheel(0, -500);
    await page.waitForTimeout(16);
  }
  return page.evaluate(() => {
    const { took } = globalThis as unknown as { took: number[] };
    Object.assign(globalThis, { took: [] });
    return took.slice(2);
  });
}

async function report(
  params: object,
  reps: number,
  session: CDPSession,
  go: () => Promise<number[]>,
): Promise<void> {
  const values: number[] = [];
  const all: number[] = [];
  const before = await work(session);
  for (let repetition = 0; repetition < reps; repetition++) {
    const frames = (await go()).toSorted((a, b) => a - b);
    values.push(at(frames, 0.99) ?? 0);
    all.push(...frames);
  }
  const after = await work(session);
  const each = (name: keyof Work) => ((after[name] - before[name]) / all.length).toFixed(1);
  console.error(
    `${JSON.stringify(params)}: ${each("Task")} ms of work a frame (script ${each("Script")}, ` +
      `layout ${each("Layout")}, style ${each("RecalcStyle")}), ${all.filter((ms) => ms > 50).length} of ${all.length} over 50 ms`,
  );
  print({ bench: "web-scroll", params, unit: "ms", values, goal: GOAL_MS, timesMs: all });
}

type Work = Record<"Task" | "Script" | "Layout" | "RecalcStyle", number>;

async function watch(page: Page): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return session;
}

/** How long the page's thread has worked so far, without what other programs took of its time. */
async function work(session: CDPSession): Promise<Work> {
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name: string) => 1000 * (metrics.find((it) => it.name === `${name}Duration`)?.value ?? 0);
  return { Task: of("Task"), Script: of("Script"), Layout: of("Layout"), RecalcStyle: of("RecalcStyle") };
}
