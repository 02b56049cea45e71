import { join } from "node:path";
import type { RoomId } from "@parlour/client";
import { upload } from "@parlour/client/files";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AxeBuilder } from "../support/axe.ts";
import { browse, visit } from "../support/browser.ts";
import { TestServer } from "../support/server.ts";
import { Site } from "../support/site.ts";

const LONG = 300;

let server: TestServer;
let site: Site;
let browser: Browser;
let room: RoomId;
let ada: Page & { complaints: string[] };

beforeAll(async () => {
  server = await TestServer.start();
  site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  browser = await browse();
  const [one, two] = [await server.connect("ada", "Ada Lovelace"), await server.connect("ben", "Ben Okafor")];
  const engine = await one.createGroup("Engine room", [{ subject: "ben" }]);
  const kitchen = await one.createGroup("Kitchen", [{ subject: "ben" }]);
  room = engine.id;
  await two.synced();
  await engine.send("The gearbox was oiled on the first day");
  const question = await engine.send("Who has the drawings?");
  await engine.thread(question.seq).send("The drawings of the gearbox are in the cupboard");
  for (let at = 0; at < LONG; at += 20)
    await Promise.all(Array.from({ length: 20 }, (_, by) => engine.send(`turn number ${at + by}`)));
  await two.room(kitchen.id).send("A gearbox of chocolate, see https://example.com/cake");
  const list = await upload(two, new TextEncoder().encode("gears"), {
    name: "parts.txt",
    mediaType: "text/plain",
  });
  await two.room(room).send({ text: "All parts of the gearbox", attachments: [list] });
  for (const client of [one, two]) await client.disconnect();
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

beforeEach(async () => {
  ada = await visit(browser, site.url, server.token("ada", "Ada Lovelace"), { room });
  await ada.locator(".pane article.message").last().waitFor();
});

afterEach(async () => {
  const { complaints } = ada;
  await ada.context().close();
  expect(complaints).toEqual([]);
});

const hits = (page: Page) => page.locator(".search .hit");

/** Searches until the index has read what is looked for. */
async function search(page: Page, query: string, count: number): Promise<void> {
  await page.getByRole("searchbox", { name: "Search messages" }).fill(query);
  await expect.poll(() => hits(page).count(), { timeout: 20_000 }).toBe(count);
}

describe("searching", () => {
  test("in this room by keyboard, from a result to where it was said, and back to the newest", async () => {
    await ada.keyboard.press("Control+Shift+F");
    await search(ada, "gearb", 3);
    expect(await hits(ada).locator("mark").first().textContent()).toBe("gearbox");
    await ada.keyboard.press("ArrowDown");
    await ada.keyboard.press("ArrowDown");
    await ada.keyboard.press("ArrowDown");
    await ada.keyboard.press("Enter");
    const found = ada.locator(".pane article", { hasText: "oiled on the first day" });
    await found.waitFor();
    await ada.locator(".pane article", { hasText: "turn number 20" }).first().waitFor();
    await expect.poll(() => ada.locator(".pane article", { hasText: "All parts" }).count()).toBe(0);
    await ada.getByRole("button", { name: "To the newest" }).click();
    await ada.locator(".pane article", { hasText: "All parts of the gearbox" }).waitFor();
  });

  test("goes on from there to newer messages, and writing leads to the newest", async () => {
    await ada.evaluate((hash) => {
      location.hash = hash;
    }, `#/room/${room}/at/3`);
    await ada.locator(".pane article", { hasText: "Who has the drawings?" }).waitFor();
    await ada.locator(".pane .timeline").hover();
    const later = ada.locator(".pane article", { hasText: "turn number 150" });
    for (let turns = 0; turns < 60 && (await later.count()) === 0; turns++) {
      await ada.mouse.wheel(0, 700);
      await ada.waitForTimeout(60);
    }
    await later.first().waitFor();
    await ada.locator(".pane .composer textarea").fill("from the past");
    await ada.keyboard.press("Enter");
    await ada.locator(".pane article", { hasText: "from the past" }).waitFor();
    expect(new URL(ada.url()).hash).toBe(`#/room/${room}`);
  });

  test("finds replies in their threads", async () => {
    await ada.getByRole("button", { name: "Search in this room" }).click();
    await search(ada, '"drawings of the gearbox"', 1);
    await hits(ada).first().click();
    await ada.locator(".aside article.message-found", { hasText: "in the cupboard" }).waitFor();
    await ada.locator(".aside").getByRole("button", { name: "Close" }).click();
    await hits(ada).first().waitFor();
  });

  test("in all rooms, narrowed down by who, what and when", async () => {
    await ada.locator(".sidebar").getByRole("button", { name: "Search messages" }).click();
    await search(ada, "gearbox", 4);
    await hits(ada).locator(".hit-room", { hasText: "Kitchen" }).waitFor();
    await ada.getByRole("button", { name: "From anybody" }).click();
    await ada
      .locator(".people-picker")
      .getByRole("button", { name: /Ben Okafor/ })
      .click();
    await ada.keyboard.press("Escape");
    await expect.poll(() => hits(ada).count()).toBe(2);
    await ada.getByRole("button", { name: "With a file" }).click();
    await expect.poll(() => hits(ada).count()).toBe(1);
    await hits(ada).locator(".hit-file", { hasText: "parts.txt" }).waitFor();
    await ada.getByRole("button", { name: "With a file" }).click();
    await ada.getByRole("button", { name: "Any time" }).click();
    await ada.getByLabel("Up to this day").fill("2020-01-01");
    await ada.keyboard.press("Escape");
    await ada.locator(".search .empty-line", { hasText: "Nothing was found" }).waitFor();
    await ada.getByRole("button", { name: /^Clear: Until/ }).click();
    await expect.poll(() => hits(ada).count()).toBe(2);
    await ada.getByRole("button", { name: "All rooms" }).click();
    await ada.getByRole("button", { name: "Kitchen", exact: true }).click();
    await expect.poll(() => hits(ada).count()).toBe(1);
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`has nothing that axe doesn't like, ${colorScheme}`, async () => {
      await ada.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await ada.keyboard.press("Control+Shift+F");
      expect(await new AxeBuilder(ada).findings("empty")).toEqual([]);
      await search(ada, "gearbox", 3);
      expect(await new AxeBuilder(ada).findings("results")).toEqual([]);
    });
  }
});
