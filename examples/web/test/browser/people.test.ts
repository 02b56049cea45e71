// Profiles, the members of a room that has many, and statuses that end.

import { join } from "node:path";
import type { Client, RoomId, UserId } from "@parlour/client";
import { setStatus } from "@parlour/client/people";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { composer, goTo, saying } from "../support/acting.ts";
import { AxeBuilder } from "../support/axe.ts";
import { browse, openTab, type Visit, visit } from "../support/browser.ts";
import { TestServer } from "../support/server.ts";
import { Site } from "../support/site.ts";

const OTHERS = 1201;
const HOUR_MS = 3_600_000;
const DIRECTORY = `
[organization]
org = "meridian"
name = "Meridian"

[[users]]
subject = "ada"
name = "Ada Lovelace"

[[users]]
subject = "ben"
name = "Ben Okafor"
handle = "beno"
title = "Keeps the boilers"
pronouns = "he/him"
time_zone = "Asia/Tokyo"
locale = "de-CH"
${Array.from(
  { length: OTHERS },
  (_, at) => `
[[users]]
subject = "m${at}"
name = "Member ${String(at).padStart(4, "0")}"
`,
).join("")}`;

let server: TestServer;
let site: Site;
let browser: Browser;
let ben: Client;
let ada: Visit;
let room: RoomId;
let all: RoomId;

beforeAll(async () => {
  server = await TestServer.start();
  server.apply(DIRECTORY);
  site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  browser = await browse();
  const one = await server.connect("ada");
  ben = await server.connect("ben");
  const group = await one.createGroup("Engine room", [{ subject: "ben" }]);
  room = group.id;
  await one.openDirect(ben.me as UserId);
  await group.send({ text: "what does @Ben Okafor say?", mentions: [ben.me as UserId] });
  await ben.synced();
  await ben.room(room).send("steam is up");
  await setStatus(ben, { text: "Below deck", emoji: "🔥", expiresAtMs: Date.now() + HOUR_MS });
  all = one.rooms.items.find(({ name }) => name === "Meridian")?.id as RoomId;
  await one.disconnect();
  ada = await visit(browser, site.url, server.token("ada"), {
    room,
    permissions: ["clipboard-read", "clipboard-write"],
  });
});

afterAll(async () => {
  await ben?.disconnect();
  await browser?.close();
  await site?.stop();
  await server?.stop();
  expect(ada.complaints).toEqual([]);
});

const profile = (page = ada) => page.getByRole("dialog", { name: "Profile of Ben Okafor" });
const look = async (view: string, page = ada) =>
  expect(await new AxeBuilder(page).findings(view)).toEqual([]);

describe("a profile", () => {
  test("says all that is known, and is opened and closed with the keyboard", async () => {
    const name = ada.locator(".message-name", { hasText: "Ben Okafor" });
    await name.focus();
    await ada.keyboard.press("Enter");
    await profile().waitFor();
    await expect.poll(() => profile().textContent()).toContain("Below deck");
    const words = await profile().textContent();
    for (const word of ["@beno", "he/him", "Keeps the boilers", "Swiss High German", "(Tokyo)"])
      expect(words).toContain(word);
    // The day stands before the time where it ends after midnight.
    expect(words).toMatch(/until (\w+ )?\d/);
    await look("profile");
    expect(await profile().evaluate((it) => it.contains(document.activeElement))).toBe(true);
    await ada.keyboard.press("Escape");
    await profile().waitFor({ state: "detached" });
    expect(await name.evaluate((it) => it === document.activeElement)).toBe(true);
  });

  test("is opened from a mention, and mentions", async () => {
    await composer(ada).fill("ask ");
    await saying(ada, "what does").locator("button.mention").click();
    await profile().getByRole("button", { name: "Mention" }).click();
    await profile().waitFor({ state: "detached" });
    await expect.poll(() => composer(ada).inputValue()).toBe("ask @Ben Okafor ");
    expect(await composer(ada).evaluate((it) => it === document.activeElement)).toBe(true);
    await composer(ada).press("Enter");
    await saying(ada, "ask").locator("button.mention", { hasText: "@Ben Okafor" }).waitFor();
  });

  test("gives the user's id, and the way to write to them", async () => {
    await goTo(ada, "#/people");
    await ada.getByLabel("Search people").fill("okafor");
    await ada.locator(".people .person-row", { hasText: "Ben Okafor" }).click();
    await profile().getByRole("button", { name: "Copy user ID" }).click();
    await expect.poll(() => ada.evaluate(() => navigator.clipboard.readText())).toBe(ben.me);
    // Nothing is written here, so nobody can be mentioned.
    expect(await profile().getByRole("button", { name: "Mention" }).count()).toBe(0);
    await profile().getByRole("button", { name: "Message", exact: true }).click();
    await ada.locator(".pane-head h1", { hasText: "Ben Okafor" }).waitFor();
  });

  test("is a sheet on a phone", async () => {
    const phone = await visit(browser, site.url, server.token("ada"), {
      room,
      viewport: { width: 390, height: 780 },
      hasTouch: true,
      isMobile: true,
    });
    await phone.locator(".message-name", { hasText: "Ben Okafor" }).click();
    await profile(phone).waitFor();
    const box = await profile(phone).boundingBox();
    expect(box).toMatchObject({ x: 0, width: 390 });
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeCloseTo(780, 0);
    await look("profile on a phone", phone);
    await profile(phone).getByRole("button", { name: "Close" }).click();
    await profile(phone).waitFor({ state: "detached" });
    await phone.context().close();
  });
});

describe("the members of a room", () => {
  const panel = () => ada.locator(".aside");
  const rows = () => panel().locator(".person-row");
  const said = () => panel().locator(".members-said");

  test("are all there in a small one, with who made it", async () => {
    await goTo(ada, `#/room/${room}/members`);
    await panel().getByText("2 members").waitFor();
    await rows().filter({ hasText: "Ada Lovelace" }).getByText("Creator").waitFor();
    await rows().filter({ hasText: "Ben Okafor" }).getByText("Below deck").waitFor();
    await look("members");
  });

  test("come in pages in a large one, as far as somebody scrolls", async () => {
    await goTo(ada, `#/room/${all}/members`);
    await panel().getByText("1,203 members", { exact: true }).waitFor();
    await said().getByText("200 of 1,203").waitFor();
    // A window holds a few of them.
    expect(await rows().count()).toBeLessThan(60);
    await look("members of a large room");
    await panel()
      .locator(".members")
      .evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await said().getByText("400 of 1,203").waitFor();
  });

  test("are found wherever they stand, and who isn't there isn't found", async () => {
    const search = panel().getByLabel("Search members");
    await search.fill("member 1150");
    await rows().filter({ hasText: "Member 1150" }).waitFor();
    await said().getByText("1 found").waitFor();
    expect(await rows().count()).toBe(1);
    await search.fill("nobody of that name");
    await said().getByText("Nobody here is called that").waitFor();
    await rows().first().waitFor({ state: "detached" });
    await look("members not found");
    await search.fill("");
    await rows().first().waitFor();
  });
});

describe("a status", () => {
  test("goes when it ends, in the list of rooms and of people, also without a server", async () => {
    const other = await openTab(ada.context(), site.url, server.token("ada"));
    await goTo(other, "#/people");
    await other.getByLabel("Search people").fill("okafor");
    await goTo(ada, `#/room/${room}/members`);
    const endMs = Date.now() + 25_000;
    await setStatus(ben, { text: "Stoking", emoji: "⛏️", expiresAtMs: endMs });
    const places = [
      ada.locator(".sidebar .room .status-mark"),
      ada.locator(".aside .status", { hasText: "Stoking" }),
      other.locator(".people .status", { hasText: "Stoking" }),
    ];
    for (const place of places) await place.waitFor();
    expect(await places[0]?.getAttribute("title")).toMatch(/^Stoking · until /);
    await server.kill();
    expect(Date.now()).toBeLessThan(endMs);
    for (const place of places) await place.waitFor({ state: "detached" });
    expect(Date.now()).toBeGreaterThanOrEqual(endMs);
  });
});
