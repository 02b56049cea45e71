import { join } from "node:path";
import type { RoomId } from "@parlour/client";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browse, visit } from "../support/browser.ts";
import { TestServer } from "../support/server.ts";
import { Site } from "../support/site.ts";

const MESSAGES = 420;

let server: TestServer;
let site: Site;
let browser: Browser;
let room: RoomId;

beforeAll(async () => {
  server = await TestServer.start();
  site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  browser = await browse();
  const ben = await server.connect("ben", "Ben Okafor");
  const ada = await server.connect("ada", "Ada Lovelace");
  room = (await ben.createGroup("Long history", [{ subject: "ada" }])).id;
  for (let at = 1; at <= MESSAGES; at += 20) {
    const some = Array.from({ length: 20 }, (_, more) => ben.room(room).send(textOf(at + more)));
    await Promise.all(some);
  }
  await ada.disconnect();
  await ben.disconnect();
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

/** Of different heights, so that guesses about them are wrong. */
function textOf(number: number): string {
  return `message number ${number}${"\nand another line".repeat(number % 5)}`;
}

const open = () => visit(browser, site.url, server.token("ada", "Ada Lovelace"), { room });
const saying = (page: Page, text: string) =>
  page.locator("article.message", { hasText: new RegExp(`${text}(?!\\d)`) });

/** The message in the middle of the view, and where it stands. */
function middle(page: Page): Promise<{ key: string; top: number }> {
  return page.evaluate(() => {
    const { left, top, width, height } = (
      document.querySelector(".timeline") as HTMLElement
    ).getBoundingClientRect();
    const element = document.elementFromPoint(left + width / 2, top + height / 2)?.closest("article");
    return { key: element?.dataset.key ?? "", top: element?.getBoundingClientRect().top ?? 0 };
  });
}

describe("a long history", () => {
  test("opens at the end, or where unread messages begin, and comes page by page without a jump", async () => {
    const page = await open();
    await page.locator(".timeline article").first().waitFor();
    let steps = 0;
    let jump = 0;
    // By the wheel, until the very first message is there.
    await page.mouse.move(800, 400);
    while ((await saying(page, "message number 1").count()) === 0 && steps < 400) {
      await page.mouse.wheel(0, -400);
      await page.waitForTimeout(60);
      const before = await middle(page);
      await page.waitForTimeout(60);
      const after = await page.evaluate((key) => {
        const element = document.querySelector(`[data-key="${key}"]`);
        return element?.getBoundingClientRect().top;
      }, before.key);
      if (before.key && after !== undefined) jump = Math.max(jump, Math.abs(after - before.top));
      steps += 1;
    }
    expect(await saying(page, "message number 1").count()).toBe(1);
    // Smooth scrolling may still be under way by a little; a page that pushes everything down is hundreds.
    expect(jump).toBeLessThan(60);
    await page.context().close();
  });

  test("is read when its end is seen, and unread again from where one says", async () => {
    const page = await open();
    await page.locator(".timeline article").first().waitFor();
    await page
      .locator(".to-newest")
      .click({ timeout: 3000 })
      .catch(() => undefined);
    await saying(page, `message number ${MESSAGES}`).waitFor();
    await page.locator(".room-here .badge").waitFor({ state: "detached" });
    await saying(page, `message number ${MESSAGES - 2}`).click({ button: "right" });
    await page.getByRole("menuitem", { name: "Mark unread from here" }).click();
    await page.locator(".room-here .badge", { hasText: "3" }).waitFor();
    await page.locator(".unread-line").waitFor();
    await page.context().close();
  });

  test("is searched for a message that a link names", async () => {
    const page = await open();
    await page.locator(".timeline article").first().waitFor();
    await page.evaluate((id) => {
      location.hash = `#/room/${id}/at/12`;
    }, room);
    await page.locator(".message-found").waitFor();
    await page.context().close();
  });

  test("tells of a mention in the page's title, while another room is open", async () => {
    const page = await open();
    const ben = await server.connect("ben", "Ben Okafor");
    await page.evaluate(() => {
      location.hash = "#/";
    });
    const ada = page.locator(".room-unread");
    const members = await ben.room(room).members();
    const id = members.find(({ subject }) => subject === "ada")?.id;
    await ben.room(room).send({ text: "@Ada Lovelace are you there?", mentions: id ? [id] : [] });
    await ada.locator(".badge-loud").waitFor();
    await expect.poll(() => page.title(), { timeout: 8000 }).toBe("(1) Parlour");
    expect(await page.locator("link[rel=icon]").getAttribute("href")).toContain("badge");
    await ben.disconnect();
    await page.context().close();
  });

  test("is announced as it grows", async () => {
    const page = await open();
    await page.locator(".timeline article").first().waitFor();
    const ben = await server.connect("ben", "Ben Okafor");
    await ben.room(room).send("said aloud");
    await page
      .locator("[aria-live=polite]", { hasText: "Ben Okafor: said aloud" })
      .waitFor({ state: "attached" });
    await ben.disconnect();
    await page.context().close();
  });
});

test("on a phone one pane is shown at a time", async () => {
  const options = { room, viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true };
  const page = await visit(browser, site.url, server.token("ada", "Ada Lovelace"), options);
  await page.locator(".timeline article").first().waitFor();
  expect(await page.locator(".sidebar").isVisible()).toBe(false);
  await page.getByRole("button", { name: "Back to rooms" }).tap();
  await page.locator(".sidebar").waitFor();
  expect(await page.locator(".pane").isVisible()).toBe(false);
  await page.getByRole("link", { name: /Long history/ }).tap();
  await page.locator(".timeline article").first().waitFor();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBe(390);
  await page.context().close();
});

test("the shell opens without a network, from its service worker", async () => {
  const page = await open();
  await page.locator(".timeline article").first().waitFor();
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  await page.waitForTimeout(500);
  await page.context().setOffline(true);
  await page.reload();
  await page.locator(".timeline article").first().waitFor();
  await page.locator(`article[aria-label^="Ben Okafor"]`).first().waitFor();
  await page.context().close();
});
