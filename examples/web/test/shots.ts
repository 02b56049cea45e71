/** Pictures of the main views, light and dark, wide, on a phone, and from right to left, into `screenshots/`. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { browse, visit } from "./support/browser.ts";
import { seed } from "./support/seeding.ts";
import { TestServer } from "./support/server.ts";
import { Site } from "./support/site.ts";

const FOLDER = join(import.meta.dirname, "../screenshots");
const SETTLED_MS = 450;

mkdirSync(FOLDER, { recursive: true });
const server = await TestServer.start();
const site = await Site.start(join(import.meta.dirname, "../dist"), server.httpPort);
const browser = await browse();
try {
  const { rooms } = await seed(server);
  const room = (key: string) => rooms.get(key) ?? "";
  const token = server.token("mara");
  const others = [await server.connect("amina"), await server.connect("yuki"), await server.connect("priya")];
  for (const other of others) other.presence.set("active");
  for (const scheme of ["light", "dark"] as const) {
    await wide(browser, scheme, token, room);
    await phone(browser, scheme, token, room);
  }
  await rightToLeft(browser, token, room);
  await signIn(browser);
  for (const other of others) await other.disconnect();
} finally {
  await browser.close();
  await site.stop();
  await server.stop();
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(SETTLED_MS);
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
}

async function to(page: Page, hash: string): Promise<void> {
  await page.evaluate((it) => {
    location.hash = it;
  }, hash);
  await page.locator(".timeline article, .threads > *").first().waitFor();
  await page.waitForTimeout(SETTLED_MS);
}

async function wide(
  at: Browser,
  scheme: "light" | "dark",
  token: string,
  room: (key: string) => string,
): Promise<void> {
  const page = await visit(at, site.url, token, { colorScheme: scheme, deviceScaleFactor: 1.5 });
  await shoot(page, `${scheme}-home`);
  await to(page, `#/room/${room("launch")}`);
  await shoot(page, `${scheme}-room`);
  await page.locator(".message-head").last().hover();
  await shoot(page, `${scheme}-room-hover`);
  await page.locator(".message-toolbar button").last().click();
  await shoot(page, `${scheme}-menu`);
  await page.keyboard.press("Escape");
  await page.mouse.move(700, 300);
  await page.mouse.wheel(0, -700);
  await shoot(page, `${scheme}-room-middle`);
  await page.mouse.wheel(0, -900);
  await shoot(page, `${scheme}-room-up`);
  await page.mouse.wheel(0, -9000);
  await shoot(page, `${scheme}-room-top`);
  await page.mouse.wheel(0, 99000);
  await page.waitForTimeout(SETTLED_MS);
  await page.locator(".thread-link").last().click();
  await shoot(page, `${scheme}-thread`);
  await to(page, `#/room/${room("launch")}/members`);
  await shoot(page, `${scheme}-members`);
  await page.locator(".aside .person-row").nth(1).click();
  await shoot(page, `${scheme}-profile`);
  await page.keyboard.press("Escape");
  await to(page, `#/room/${room("launch")}/pins`);
  await shoot(page, `${scheme}-pins`);
  await to(page, `#/room/${room("design")}`);
  await shoot(page, `${scheme}-reactions`);
  await to(page, `#/room/${room("long")}`);
  await shoot(page, `${scheme}-long`);
  await to(page, "#/threads");
  await shoot(page, `${scheme}-threads`);
  await to(page, `#/room/${room("kitchen")}`);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("ca");
  await shoot(page, `${scheme}-switcher`);
  await page.keyboard.press("Escape");
  await page.locator(".composer .composer-text").fill("Lovely idea **@yu");
  await page.locator(".composer .composer-text").press("End");
  await page.keyboard.type(" @yu");
  await shoot(page, `${scheme}-mention`);
  await page.keyboard.press("Escape");
  await page.locator(".composer .composer-text").fill("");
  await page.locator('.composer [aria-label="Emoji"]').click();
  await page.locator(".picker-line").first().waitFor();
  await shoot(page, `${scheme}-emoji`);
  await page.keyboard.press("Escape");
  await page.locator(".my-button").click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  await shoot(page, `${scheme}-settings`);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Browse open rooms" }).click();
  await shoot(page, `${scheme}-browse`);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByRole("menuitem", { name: "New group" }).click();
  await shoot(page, `${scheme}-group`);
  await page.keyboard.press("Escape");
  for (const complaint of page.complaints) console.log(`${scheme}: ${complaint}`);
  await page.context().close();
}

async function phone(
  at: Browser,
  scheme: "light" | "dark",
  token: string,
  room: (key: string) => string,
): Promise<void> {
  const options = {
    viewport: { width: 390, height: 800 },
    colorScheme: scheme,
    deviceScaleFactor: 2,
    hasTouch: true,
    isMobile: true,
  };
  const page = await visit(at, site.url, token, options);
  await shoot(page, `phone-${scheme}-rooms`);
  await to(page, `#/room/${room("launch")}`);
  await shoot(page, `phone-${scheme}-room`);
  await page.locator(".thread-link").last().tap();
  await shoot(page, `phone-${scheme}-thread`);
  await page.context().close();
}

async function rightToLeft(at: Browser, token: string, room: (key: string) => string): Promise<void> {
  const page = await visit(at, site.url, token, { locale: "ar", deviceScaleFactor: 1.5 });
  await to(page, `#/room/${room("launch")}`);
  await shoot(page, "rtl-room");
  await page.locator(".thread-link").last().click();
  await shoot(page, "rtl-thread");
  await to(page, `#/room/${room("arabic")}/members`);
  await shoot(page, "rtl-members");
  await page.context().close();
}

async function signIn(at: Browser): Promise<void> {
  const context = await at.newContext({ viewport: { width: 1000, height: 700 }, deviceScaleFactor: 1.5 });
  const page = await context.newPage();
  await page.goto(site.url);
  await page.getByRole("button", { name: "Use a token" }).waitFor();
  await shoot(page, "sign-in");
  await page.getByRole("button", { name: "Use a token" }).click();
  await page.locator("textarea").fill("not a token");
  await page.keyboard.press("Enter");
  await shoot(page, "sign-in-wrong");
  await context.close();
}
