import { join } from "node:path";
import type { RoomId } from "@parlour/client";
import { emojis } from "@parlour/client/emoji";
import { upload } from "@parlour/client/files";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AxeBuilder } from "../support/axe.ts";
import { browse, visit } from "../support/browser.ts";
import { picture } from "../support/samples.ts";
import { TestServer } from "../support/server.ts";
import { Site } from "../support/site.ts";

let server: TestServer;
let site: Site;
let browser: Browser;
let room: RoomId;
let ada: Page & { complaints: string[] };
let ben: Page & { complaints: string[] };

beforeAll(async () => {
  server = await TestServer.start();
  site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  browser = await browse();
  const [one, two] = [await server.connect("ada", "Ada Lovelace"), await server.connect("ben", "Ben Okafor")];
  room = (await one.createGroup("Engine room", [{ subject: "ben" }])).id;
  await one.createGroup("Kitchen", [{ subject: "ben" }]);
  const { seq } = await one.room(room).send("as it was first");
  await one.room(room).edit(seq, "as it is now");
  const file = await upload(one, picture(64, 64), { name: "vane.png", mediaType: "image/png" });
  await emojis(one).add("vane", file);
  await one.disconnect();
  await two.disconnect();
  ada = await visit(browser, site.url, server.token("ada", "Ada Lovelace"), { room });
  ben = await visit(browser, site.url, server.token("ben", "Ben Okafor"), { room });
  for (const page of [ada, ben]) await messages(page).last().waitFor();
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

const messages = (page: Page) => page.locator(".pane article.message");
const saying = (page: Page, text: string) => messages(page).filter({ hasText: text }).last();
const composer = (page: Page) => page.locator(".pane .composer textarea");

async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

async function act(page: Page, text: string, action: string): Promise<void> {
  await saying(page, text).click({ button: "right", position: { x: 200, y: 8 } });
  await page.getByRole("menuitem", { name: action }).click();
}

describe("a message", () => {
  test("is forwarded to another room", async () => {
    await act(ada, "as it is now", "Forward");
    await ada.getByRole("searchbox", { name: "To which rooms or people?" }).fill("kitch");
    await ada.getByRole("button", { name: "Kitchen" }).last().click();
    expect(await new AxeBuilder(ada).findings("forward")).toEqual([]);
    await ada.getByRole("dialog").getByRole("button", { name: "Forward" }).click();
    await ada.locator(".toast", { hasText: "Forwarded to Kitchen" }).waitFor();
  });

  test("is saved, and taken off again", async () => {
    await act(ada, "as it is now", "Save for later");
    await ada.locator(".toast", { hasText: "Saved for later" }).waitFor();
    await act(ada, "as it is now", "Remove from saved");
    await ada.locator(".toast", { hasText: "Removed from saved" }).waitFor();
  });

  test("is something to be reminded of", async () => {
    await act(ada, "as it is now", "Remind me");
    await ada.getByRole("button", { name: "In 20 minutes" }).click();
    await ada.locator(".toast", { hasText: "You will be reminded" }).waitFor();
  });

  test("has its earlier versions", async () => {
    await act(ada, "as it is now", "Show earlier versions");
    const versions = ada.locator(".versions li");
    await versions.nth(1).waitFor();
    expect(await versions.locator(".text").allTextContents()).toEqual(["as it is now", "as it was first"]);
    await ada.keyboard.press("Escape");
  });

  test("shows who has read it", async () => {
    await say(ada, "who reads this?");
    await saying(ben, "who reads this?").waitFor();
    await saying(ada, "who reads this?").locator(".seen-by").waitFor();
    await act(ada, "who reads this?", "Who has read it");
    await ada.getByRole("dialog").locator(".person-name", { hasText: "Ben Okafor" }).waitFor();
    await ada.keyboard.press("Escape");
  });
});

test("the organization’s emoji are pictures, in texts and reactions", async () => {
  await composer(ada).pressSequentially("look at the :van");
  await ada.getByRole("option", { name: ":vane:" }).waitFor();
  await composer(ada).press("Tab");
  await composer(ada).press("Enter");
  await saying(ben, "look at the").locator('.text img.own-emoji[alt=":vane:"]').waitFor();
});

test("a message is sent later, and earlier than it was meant to", async () => {
  await composer(ada).fill("good morning from yesterday");
  await ada.getByRole("button", { name: "Send later" }).click();
  await ada.getByRole("button", { name: "Tomorrow morning" }).click();
  await ada.locator(".scheduled-line", { hasText: "1 message will be sent later" }).waitFor();
  expect(await composer(ada).inputValue()).toBe("");
  await ada.locator(".scheduled-line").getByRole("button", { name: "Show" }).click();
  expect(await new AxeBuilder(ada).findings("scheduled")).toEqual([]);
  await ada.getByRole("button", { name: "Send now" }).click();
  await saying(ben, "good morning from yesterday").waitFor();
  await ada.keyboard.press("Escape");
  await ada.locator(".scheduled-line").waitFor({ state: "detached" });
});

test("a draft is marked in the list of rooms", async () => {
  await composer(ada).fill("half a thought");
  await ada
    .locator(".sidebar")
    .getByRole("link", { name: /Kitchen/ })
    .click();
  await ada
    .locator(".sidebar .room", { hasText: "Engine room" })
    .locator('[aria-label="Something is begun here"]')
    .waitFor();
  expect([...ada.complaints, ...ben.complaints]).toEqual([]);
});
