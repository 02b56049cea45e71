// The hooks in a real React, in a real browser, against a real server.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { TestServer } from "../e2e/server.js";
import { browse, Site } from "./site.js";

let server: TestServer;
let site: Site;
let browser: Browser;

beforeAll(async () => {
  server = await TestServer.start("[::]");
  site = await Site.start();
  browser = await browse();
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

it("shows rooms and messages as they come", async () => {
  const anna = await server.connect("anna");
  const room = await anna.createGroup("Lunch", []);
  for (let n = 0; n < 80; n++) await room.send(`message ${n}`);
  const page = await browser.newPage();
  await page.goto(`${site.url}react`);
  await page.waitForFunction("'show' in globalThis");
  const options = { url: server.url, token: server.token("anna") };
  await page.evaluate(`show(${JSON.stringify(options)})`);
  await page.getByText("live", { exact: true }).waitFor();
  await page.getByRole("heading", { name: "Lunch" }).waitFor();
  await page.getByText("message 79", { exact: true }).waitFor();
  await room.send("one more");
  await page.getByText("one more", { exact: true }).waitFor();
  const before = await page.locator("li").count();
  await page.getByText("older", { exact: true }).click();
  await page.getByText("message 0", { exact: true }).waitFor();
  expect(await page.locator("li").count()).toBeGreaterThan(before);
  const other = await anna.createGroup("Dinner", []);
  await other.send("what is for dinner?");
  await page.getByRole("button", { name: "Dinner" }).click();
  await page.getByText("what is for dinner?", { exact: true }).waitFor();
  await anna.disconnect();
});
