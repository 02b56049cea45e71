// What the user sets: profile, password, where they are signed in, notifications, privacy.

import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AxeBuilder } from "../support/axe.ts";
import { browse } from "../support/browser.ts";
import { TestServer } from "../support/server.ts";
import { Site } from "../support/site.ts";

const PASSWORD = "correct horse battery";
const ORG = ["--org", "example"];
/** One pixel, as a PNG. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

let server: TestServer;
let site: Site;
let browser: Browser;
let ada: Page;
let complaints: string[];

beforeAll(async () => {
  server = await TestServer.start("[accounts]\nenabled = true\n");
  site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  browser = await browse();
  for (const name of ["root", "ada", "ben"]) server.command("user", "add", name, ...ORG, "--admin");
  ada = await visit("ada");
  complaints = [];
  ada.on("pageerror", (error) => complaints.push(error.message));
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
  expect(complaints).toEqual([]);
});

async function visit(name: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: "en-GB" });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const link = server.command("user", "link", name, ...ORG);
  await page.goto(`${site.url}#sign-in=${/code=([^&\s]+)/.exec(link)?.[1]}`);
  await page.locator(".shell").waitFor();
  return page;
}

async function openSettings(page: Page, tab: string): Promise<void> {
  if ((await page.locator(".settings").count()) === 0) {
    await page.locator(".my-button").click();
    await page.getByRole("menuitem", { name: "Settings" }).click();
  }
  await page.getByRole("tab", { name: tab }).click();
}

const panel = (page: Page) => page.getByRole("tabpanel");

describe("settings", () => {
  test("are gone through with the keyboard", async () => {
    await openSettings(ada, "Profile");
    await ada.getByRole("tab", { name: "Profile" }).press("ArrowDown");
    await ada.getByRole("tab", { name: "Account", selected: true }).waitFor();
    await ada.keyboard.press("ArrowUp");
    await ada.keyboard.press("ArrowUp");
    await ada.getByRole("tab", { name: "Appearance", selected: true }).waitFor();
    await ada.keyboard.press("Escape");
    await ada.locator(".settings").waitFor({ state: "detached" });
  });

  test("have a profile with a picture that others see", async () => {
    await openSettings(ada, "Profile");
    await ada.getByLabel("What you do").fill("Engineer");
    await ada.getByLabel("Time zone").selectOption("Asia/Tokyo");
    await ada.getByRole("button", { name: "Save" }).click();
    await ada.getByText("Saved").waitFor();
    await ada
      .locator(".settings input[type=file]")
      .setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("no") });
    await ada.getByRole("alert").filter({ hasText: "isn’t a picture" }).waitFor();
    await ada
      .locator(".settings input[type=file]")
      .setInputFiles({ name: "a.png", mimeType: "image/png", buffer: PIXEL });
    await ada.locator(".settings-picture .avatar img").waitFor();
    await ada.locator(".my-button .avatar img").waitFor();
    await ada.keyboard.press("Escape");
    const ben = await visit("ben");
    await ben.getByRole("button", { name: "New conversation" }).click();
    await ben.getByRole("menuitem", { name: "New direct message" }).click();
    await ben.getByLabel("Search people").fill("ada");
    const found = ben.locator(".people-list .person-row", { hasText: "Engineer" });
    await found.locator(".avatar img").waitFor();
    await ben.context().close();
  });

  test("set a password, list where the user is signed in, and end what is elsewhere", async () => {
    const elsewhere = await visit("ada");
    await openSettings(ada, "Account");
    await panel(ada).locator(".login").nth(1).waitFor();
    await ada.getByRole("button", { name: /^Sign out Parlour/ }).click();
    await elsewhere.locator(".calm", { hasText: "Sign in again" }).waitFor();
    await elsewhere.context().close();
    await ada.getByLabel("New password").fill(PASSWORD);
    await ada.getByRole("button", { name: "Set password" }).click();
    await ada.getByText("You are signed out everywhere else").waitFor();
    expect(await panel(ada).locator(".login").count()).toBe(1);
    const context = await browser.newContext({ locale: "en-GB" });
    const page = await context.newPage();
    await page.goto(site.url);
    await page.getByLabel("Organization").fill("example");
    await page.getByLabel("Handle").fill("ada");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.locator(".shell").waitFor();
    // A login by password is asked for the present one.
    await openSettings(page, "Account");
    await page.getByLabel("New password").fill(`${PASSWORD} 2`);
    await page.getByRole("button", { name: "Set password" }).click();
    await page.getByRole("alert").filter({ hasText: "isn’t right" }).waitFor();
    await context.close();
    await ada.keyboard.press("Escape");
  });

  test("say what is told of", async () => {
    await openSettings(ada, "Notifications");
    await ada.getByRole("button", { name: "Mentions" }).click();
    await ada.getByLabel("Keywords", { exact: true }).fill("lunch");
    await ada.keyboard.press("Enter");
    await ada.getByRole("button", { name: "Remove lunch" }).waitFor();
    await ada.getByRole("button", { name: "For an hour" }).click();
    await ada.getByText(/On until/).waitFor();
    await ada.getByRole("button", { name: "End do not disturb" }).click();
    await ada.getByRole("button", { name: "For an hour" }).waitFor();
    await ada.reload();
    await ada.locator(".shell").waitFor();
    await openSettings(ada, "Notifications");
    await ada.getByRole("button", { name: "Mentions", pressed: true }).waitFor();
    await ada.getByRole("button", { name: "Remove lunch" }).click();
    await ada.getByRole("button", { name: "Remove lunch" }).waitFor({ state: "detached" });
    await ada.keyboard.press("Escape");
  });

  test("say who sees what, and let blocked people go", async () => {
    await openSettings(ada, "Privacy");
    const seen = ada.getByLabel("Show when I was here last");
    const was = await seen.isChecked();
    // It changes once the server has it.
    await seen.click();
    await expect.poll(() => seen.isChecked()).toBe(!was);
    await ada.reload();
    await ada.locator(".shell").waitFor();
    await openSettings(ada, "Privacy");
    await expect.poll(() => seen.isChecked()).toBe(!was);
    await ada.getByText("Nobody is blocked").waitFor();
    await ada.keyboard.press("Escape");
  });
});

describe("axe finds nothing", () => {
  for (const scheme of ["light", "dark"] as const) {
    test(`in the settings, ${scheme}`, async () => {
      await ada.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      for (const tab of ["Profile", "Account", "Notifications", "Privacy", "Appearance"]) {
        await openSettings(ada, tab);
        await panel(ada).getByRole("heading", { level: 3 }).waitFor();
        expect(await new AxeBuilder(ada).findings(`${tab}, ${scheme}`)).toEqual([]);
      }
      await ada.keyboard.press("Escape");
    });
  }
});
