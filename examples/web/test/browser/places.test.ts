// The inbox, people, and what a room is for.

import { join } from "node:path";
import type { RoomId } from "@parlour/client";
import { SavedMessages } from "@parlour/client/inbox";
import { Reminders } from "@parlour/client/schedule";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AxeBuilder } from "../support/axe.ts";
import { browse, visit } from "../support/browser.ts";
import { TestServer } from "../support/server.ts";
import { Site } from "../support/site.ts";

const HOUR_MS = 3_600_000;

let server: TestServer;
let site: Site;
let browser: Browser;
let ada: Page & { complaints: string[] };
let room: RoomId;

beforeAll(async () => {
  server = await TestServer.start();
  site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  browser = await browse();
  const one = await server.connect("ada", "Ada Lovelace");
  const ben = await server.connect("ben", "Ben Okafor");
  const group = await one.createGroup("Engine room", [{ subject: "ben" }]);
  room = group.id;
  await ben.synced();
  const { seq } = await ben.room(room).send({ text: "a word for Ada", mentions: [one.me as never] });
  const saved = await SavedMessages.open(one);
  await saved.save(room, seq);
  saved.close();
  const reminders = await Reminders.open(one);
  await reminders.set(Date.now() + HOUR_MS, { text: "look again", about: { room, seq } });
  reminders.close();
  await one.disconnect();
  await ben.disconnect();
  ada = await visit(browser, site.url, server.token("ada", "Ada Lovelace"));
  ada.setDefaultTimeout(30_000);
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
  expect(ada.complaints).toEqual([]);
});

const look = async (view: string) => expect(await new AxeBuilder(ada).findings(view)).toEqual([]);

async function goTo(hash: string): Promise<void> {
  await ada.evaluate((it) => {
    location.hash = it;
  }, hash);
}

describe("the inbox", () => {
  test("has mentions, what is saved, and reminders, each a way to the message", async () => {
    await ada.getByRole("link", { name: /^Inbox/ }).click();
    await ada.locator(".inbox-card[data-unread]", { hasText: "a word for Ada" }).waitFor();
    await look("mentions");
    await ada.getByRole("link", { name: "Saved" }).click();
    await ada.locator(".inbox-card", { hasText: "a word for Ada" }).waitFor();
    await ada.getByRole("link", { name: "Reminders" }).click();
    await ada.locator(".reminder", { hasText: "look again" }).waitFor();
    await ada.locator(".reminder .inbox-card", { hasText: "a word for Ada" }).waitFor();
    await look("reminders");
    await ada.getByRole("button", { name: "Done" }).click();
    await ada.getByText("No reminders").waitFor();
    await ada.getByRole("link", { name: "Saved" }).click();
    await ada.getByRole("button", { name: "Remove from saved" }).click();
    await ada.getByText("Nothing saved").waitFor();
  });

  test("marks all as read", async () => {
    await goTo("#/inbox/mentions");
    await ada.getByRole("button", { name: "Mark all as read" }).click();
    await ada.locator(".inbox-card:not([data-unread])", { hasText: "a word for Ada" }).waitFor();
    await ada.locator(".inbox-card a").click();
    await ada.locator("article.message", { hasText: "a word for Ada" }).waitFor();
  });
});

describe("people", () => {
  test("are found, and can be blocked and unblocked", async () => {
    await ada.getByRole("link", { name: "People" }).click();
    await ada.locator(".people .person-row", { hasText: "Ada Lovelace" }).waitFor();
    await ada.getByLabel("Search people").fill("oka");
    await ada.locator(".people .person-row", { hasText: "Ada Lovelace" }).waitFor({ state: "detached" });
    await look("people");
    await ada.locator(".people .person-row", { hasText: "Ben Okafor" }).click();
    await ada.getByRole("button", { name: "Block", exact: true }).click();
    await ada.getByText("You have blocked this person").waitFor();
    await look("profile card");
    await ada.getByRole("button", { name: "Unblock" }).click();
    await ada.getByRole("button", { name: "Block", exact: true }).waitFor();
    await ada.keyboard.press("Escape");
  });
});

describe("a room's details", () => {
  test("rename it, say what it is for, and what the user wants of it", async () => {
    await goTo(`#/room/${room}`);
    await ada.getByRole("button", { name: "Room details" }).click();
    const panel = ada.locator(".aside");
    await panel.getByLabel("Topic").fill("What drives it");
    await panel.getByLabel("Name", { exact: true }).fill("Boiler room");
    await panel.locator("form").first().getByRole("button", { name: "Save" }).click();
    await ada.locator(".pane-head h1", { hasText: "Boiler room" }).waitFor();
    await ada.locator(".pane-topic", { hasText: "What drives it" }).waitFor();
    await panel.getByLabel("Favourite").click();
    await ada.locator(".section", { hasText: "Favourites" }).getByText("Boiler room").waitFor();
    await panel.getByLabel("Favourite").click();
    await expect.poll(() => panel.getByLabel("Favourite").isChecked()).toBe(false);
    await panel.getByLabel("Section of the list").fill("Machines");
    await panel.getByLabel("Section of the list").press("Enter");
    await ada.locator(".section", { hasText: "Machines" }).getByText("Boiler room").waitFor();
    await panel.getByRole("button", { name: "Nothing" }).click();
    await panel.getByRole("button", { name: "Nothing", pressed: true }).waitFor();
    await panel.getByRole("button", { name: "10 sec" }).click();
    await panel.getByRole("button", { name: "1 day" }).click();
    await ada.getByText("Messages disappear here after 1 day.").waitFor();
    const slow = ada.getByText("Slow mode: 10 seconds between your messages.");
    await slow.waitFor();
    await look("details");
    await panel.getByRole("button", { name: "Off" }).click();
    await slow.waitFor({ state: "detached" });
    await panel.getByRole("button", { name: "Archive" }).click();
    await panel.getByRole("button", { name: "Bring back from the archive" }).click();
    await panel.getByRole("button", { name: "Archive" }).waitFor();
  });
});
