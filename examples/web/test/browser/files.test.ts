import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AxeBuilder } from "../support/axe.ts";
import { browse, visit } from "../support/browser.ts";
import { picture, sound } from "../support/samples.ts";
import { TestServer } from "../support/server.ts";
import { Site } from "../support/site.ts";

const SPEAKING = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
const SIZE_MAX_MB = 2;

let server: TestServer;
let site: Site;
let browser: Browser;
let room: string;
let ada: Page & { complaints: string[] };
let ben: Page & { complaints: string[] };

beforeAll(async () => {
  server = await TestServer.start(`[blobs]\nsize_max_mb = ${SIZE_MAX_MB}\nuser_per_day_max_mb = 3\n`);
  site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  browser = await browse([...SPEAKING, "--autoplay-policy=no-user-gesture-required"]);
  const [one, two] = [await server.connect("ada", "Ada Lovelace"), await server.connect("ben", "Ben Okafor")];
  room = (await one.createGroup("Engine room", [{ subject: "ben" }])).id;
  await one.room(room as never).send("The beginning");
  await one.disconnect();
  await two.disconnect();
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

beforeEach(async () => {
  const permissions = { permissions: ["microphone"], acceptDownloads: true };
  ada = await visit(browser, site.url, server.token("ada", "Ada Lovelace"), { room, ...permissions });
  ben = await visit(browser, site.url, server.token("ben", "Ben Okafor"), { room });
  for (const page of [ada, ben]) await messages(page).last().waitFor();
});

afterEach(async () => {
  const complaints = [...ada.complaints, ...ben.complaints];
  for (const page of [ada, ben]) await page.context().close();
  expect(complaints).toEqual([]);
});

interface Given {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

const messages = (page: Page) => page.locator(".pane article.message");
const saying = (page: Page, text: string) => messages(page).filter({ hasText: text }).last();
const composer = (page: Page) => page.locator(".pane .composer textarea");
const png = (name: string, width = 320, height = 200): Given => {
  return { name, mimeType: "image/png", buffer: picture(width, height) };
};

async function choose(page: Page, ...files: Given[]): Promise<void> {
  await page.locator(".pane .composer input[type=file]").setInputFiles(files);
}

async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** Drops or pastes files, as the browser would. */
async function give(page: Page, how: "drop" | "paste", at: string, file: Given): Promise<void> {
  await page.locator(at).evaluate(
    (element, { how, name, type, bytes }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(bytes)], name, { type }));
      const options = { bubbles: true, cancelable: true };
      if (how === "paste") {
        element.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: transfer }));
        return;
      }
      for (const kind of ["dragenter", "dragover", "drop"])
        element.dispatchEvent(new DragEvent(kind, { ...options, dataTransfer: transfer }));
    },
    { how, name: file.name, type: file.mimeType, bytes: [...file.buffer] },
  );
}

describe("files", () => {
  test("are chosen, dropped and pasted, taken out again, and sent with a text", async () => {
    await choose(ada, png("one.png"));
    await give(ada, "drop", ".pane .timeline", png("two.png", 200, 300));
    await give(ada, "paste", ".pane .composer textarea", png("three.png", 80, 80));
    await choose(ada, { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("some notes") });
    expect(await ada.locator(".tray-name").allTextContents()).toEqual([
      "one.png",
      "two.png",
      "three.png",
      "notes.txt",
    ]);
    await ada.getByRole("button", { name: "Remove three.png" }).click();
    await say(ada, "two pictures and a text");
    expect(await ada.locator(".tray").count()).toBe(0);
    const seen = saying(ben, "two pictures and a text");
    await seen.locator(".picture img").nth(1).waitFor();
    expect(await seen.locator(".picture").count()).toBe(2);
    await seen.locator(".file-card", { hasText: "notes.txt" }).waitFor();
    await saying(ada, "two pictures and a text").locator(".picture img").nth(1).waitFor();
  });

  test("may be all there is of a message", async () => {
    await choose(ada, png("alone.png", 640, 400));
    await ada.locator(".pane .composer .send").click();
    await ben.getByRole("button", { name: "Show alone.png" }).waitFor();
    const shape = await ben.getByRole("button", { name: "Show alone.png" }).boundingBox();
    expect((shape?.width ?? 0) / (shape?.height ?? 1)).toBeCloseTo(640 / 400, 1);
  });

  test("are downloaded under their names", async () => {
    const bytes = Buffer.from("name,value\nspring,4\n");
    await choose(ada, { name: "readings.csv", mimeType: "text/csv", buffer: bytes });
    await say(ada, "the readings");
    const card = saying(ben, "the readings").locator(".file-card");
    const [download] = await Promise.all([ben.waitForEvent("download"), card.click()]);
    expect(download.suggestedFilename()).toBe("readings.csv");
    const stream = await download.createReadStream();
    const pieces: Buffer[] = [];
    for await (const piece of stream) pieces.push(piece as Buffer);
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  });

  test("that are too large, empty or too much are refused in words", async () => {
    const large = Buffer.alloc(SIZE_MAX_MB * 1024 * 1024 + 1, 7);
    await choose(ada, { name: "large.bin", mimeType: "application/octet-stream", buffer: large });
    await ada.getByRole("alert").filter({ hasText: "Files may have 2.1 MB at most." }).waitFor();
    await choose(ada, { name: "empty.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(0) });
    await ada.getByRole("alert").filter({ hasText: "This file is empty." }).waitFor();
    for (const at of [1, 2]) {
      const buffer = Buffer.alloc(1_900_000, at);
      await choose(ada, { name: `part-${at}.bin`, mimeType: "application/octet-stream", buffer });
    }
    await ada.getByRole("alert").filter({ hasText: "There is no room left" }).waitFor();
    while ((await ada.locator(".tray-file").count()) > 0)
      await ada
        .getByRole("button", { name: /^Remove/ })
        .first()
        .click();
  });

  test("stand in the timeline while they go up, and are sent when the server is back", async () => {
    await choose(ada, png("before.png"));
    await ada.locator(".progress").waitFor({ state: "detached" });
    await server.kill();
    await choose(ada, png("while-away.png", 100, 100));
    await say(ada, "written without a server");
    await ada.locator(".leaving-picture .progress").waitFor();
    await server.run();
    await saying(ben, "written without a server").locator(".picture img").nth(1).waitFor({ timeout: 60_000 });
    await ada.locator(".leaving").waitFor({ state: "detached" });
    expect(await messages(ada).filter({ hasText: "written without a server" }).count()).toBe(1);
  });

  test("are taken back while they go up", async () => {
    await server.kill();
    await choose(ada, png("never.png"));
    await say(ada, "never sent");
    await ada.locator(".message-sending").getByRole("button", { name: "Cancel" }).click();
    expect(await messages(ada).filter({ hasText: "never sent" }).count()).toBe(0);
    await server.run();
    await ada.locator(".connection").waitFor({ state: "detached", timeout: 60_000 });
  });
});

describe("pictures", () => {
  test("are shown large, one after the other, by keyboard", async () => {
    await choose(ada, png("first.png"), png("second.png", 500, 300));
    await say(ada, "a gallery");
    const seen = saying(ben, "a gallery");
    await seen.getByRole("button", { name: "Show first.png" }).press("Enter");
    const box = ben.getByRole("dialog", { name: "Pictures" });
    await box.locator(".lightbox-name", { hasText: "first.png" }).waitFor();
    await ben.keyboard.press("ArrowRight");
    await box.locator(".lightbox-name", { hasText: "second.png" }).waitFor();
    await box.locator(".stage img").waitFor();
    expect(await new AxeBuilder(ben).findings("lightbox")).toEqual([]);
    const [download] = await Promise.all([
      ben.waitForEvent("download"),
      box.getByRole("button", { name: "Download second.png" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("second.png");
    await ben.keyboard.press("Escape");
    await box.waitFor({ state: "detached" });
    expect(await ben.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe(
      "Show first.png",
    );
  });
});

describe("sound", () => {
  test("is played where it is sent as a file", async () => {
    await choose(ada, { name: "chime.wav", mimeType: "audio/wav", buffer: sound(2) });
    await say(ada, "listen");
    const player = saying(ben, "listen").locator(".sound");
    await player.getByRole("button", { name: "Play chime.wav" }).click();
    await player.getByRole("button", { name: "Pause chime.wav" }).waitFor();
    await player.locator(".wave-heard").first().waitFor();
  });

  test("is spoken, shown while it is, thrown away, and sent", async () => {
    await ada.getByRole("button", { name: "Record voice message" }).click();
    await ada.locator(".voice-levels i").nth(3).waitFor();
    await ada.getByRole("button", { name: "Discard recording" }).click();
    await composer(ada).waitFor();
    await ada.getByRole("button", { name: "Record voice message" }).click();
    await ada.locator(".voice-time", { hasText: "0:02" }).waitFor();
    expect(await new AxeBuilder(ada).findings("speaking")).toEqual([]);
    await ada.keyboard.press("Enter");
    const player = ben.getByRole("group", { name: "Voice message" });
    await player.getByRole("button", { name: "Play Voice message" }).click();
    await player.getByRole("button", { name: "Pause Voice message" }).waitFor();
    const length = Number(await player.getByRole("slider").getAttribute("aria-valuemax"));
    expect(length).toBeGreaterThanOrEqual(2);
    expect(length).toBeLessThan(6);
  });
});

describe("axe finds nothing", () => {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`in a room with files, ${colorScheme}`, async () => {
      await ada.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const large = Buffer.alloc(SIZE_MAX_MB * 1024 * 1024 + 1, 7);
      await choose(ada, png("shown.png"), { name: "large.bin", mimeType: "text/plain", buffer: large });
      await ada.getByRole("alert").first().waitFor();
      expect(await new AxeBuilder(ada).findings("files")).toEqual([]);
    });
  }
});
