/** Scrolls the timeline of 100,000 messages, appends to it, and says how long frames took. */

import { join } from "node:path";
import type { CDPSession } from "playwright-core";
import { browse } from "../support/browser.ts";
import { Site } from "../support/site.ts";

/** What the page has. */
declare const bench: { scroll(step: number): Promise<number[]>; append(): Promise<number[]> };

const site = await Site.start(join(import.meta.dirname, "../../.bench"), 0);
const browser = await browse();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const beginMs = performance.now();
  await page.goto(site.url);
  await page.locator("article.message").first().waitFor();
  console.log(`first messages after ${Math.round(performance.now() - beginMs)} ms`);
  for (const [what, step] of [
    ["slowly", 120],
    ["fast", 1500],
    ["in leaps", 20_000],
  ] as const) {
    const before = await work(session);
    report(
      `scrolling ${what}`,
      await page.evaluate((by) => bench.scroll(by), step),
      before,
      await work(session),
    );
  }
  const before = await work(session);
  report(
    "a message a frame, at the end",
    await page.evaluate(() => bench.append()),
    before,
    await work(session),
  );
  const drawn = await page.locator("article.message").count();
  console.log(`${drawn} messages are drawn`);
} finally {
  await browser.close();
  await site.stop();
}

type Work = Record<"Task" | "Script" | "Layout" | "RecalcStyle", number>;

/** How long the page's thread has worked so far, without what other programs took of its time. */
async function work(session: CDPSession): Promise<Work> {
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name: string) => 1000 * (metrics.find((it) => it.name === `${name}Duration`)?.value ?? 0);
  return { Task: of("Task"), Script: of("Script"), Layout: of("Layout"), RecalcStyle: of("RecalcStyle") };
}

function report(what: string, frames: number[], before: Work, after: Work): void {
  const sorted = frames.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
  const late = frames.filter((ms) => ms > 50).length;
  const each = (name: keyof Work) => ((after[name] - before[name]) / frames.length).toFixed(1);
  const parts = `script ${each("Script")}, layout ${each("Layout")}, style ${each("RecalcStyle")}`;
  console.log(`${what}: ${each("Task")} ms of work a frame (${parts})`);
  console.log(
    `  ${frames.length} frames, median ${at(0.5)} ms, 95 % ${at(0.95)} ms, longest ${at(1)} ms, ${late} over 50 ms`,
  );
}
