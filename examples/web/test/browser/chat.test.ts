import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AxeBuilder, type Finding } from "../support/axe.ts";
import { browse, ENGINE, visit } from "../support/browser.ts";
import { TestServer } from "../support/server.ts";
import { Site } from "../support/site.ts";

let server: TestServer;
let site: Site;
let browser: Browser;
let room: string;
let ada: Page & { complaints: string[] };
let ben: Page & { complaints: string[] };

beforeAll(async () => {
  server = await TestServer.start();
  site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  browser = await browse();
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
  ada = await visit(browser, site.url, server.token("ada", "Ada Lovelace"), { room });
  ben = await visit(browser, site.url, server.token("ben", "Ben Okafor"), { room });
  for (const page of [ada, ben]) await messages(page).last().waitFor();
});

afterEach(async () => {
  const complaints = [...ada.complaints, ...ben.complaints];
  for (const page of [ada, ben]) await page.context().close();
  expect(complaints).toEqual([]);
});

const messages = (page: Page) => page.locator(".pane article.message");
const composer = (page: Page) => page.locator(".pane .composer textarea");
const saying = (page: Page, text: string) => messages(page).filter({ hasText: text });

/** Light or dark. Firefox can't be told what the system prefers, so there it is the app's own setting. */
async function dress(page: Page, scheme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  if (ENGINE === "chromium") return;
  await page.evaluate((theme) => {
    document.documentElement.dataset.theme = theme;
  }, scheme);
}

async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((it) => {
    location.hash = it;
  }, hash);
}

async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

async function act(page: Page, text: string, action: string): Promise<void> {
  await saying(page, text)
    .first()
    .click({ button: "right", position: { x: 200, y: 8 } });
  await page.getByRole("menuitem", { name: action }).click();
}

describe("two people in a room", () => {
  test("read what the other writes, with its formatting and without its markup", async () => {
    await say(ada, "a **bold** word and <img src=x onerror=alert(1)>");
    await saying(ben, "a bold word").waitFor();
    expect(await saying(ben, "a bold word").locator("strong").textContent()).toBe("bold");
    expect(await saying(ben, "a bold word").locator("img").count()).toBe(0);
    expect(await composer(ada).inputValue()).toBe("");
  });

  test("see who is typing", async () => {
    await composer(ben).pressSequentially("hm");
    await ada.locator(".typing", { hasText: "Ben Okafor is typing" }).waitFor();
  });

  test("edit with the arrow up, and the other sees it", async () => {
    await say(ada, "with a mistkae");
    await saying(ben, "with a mistkae").waitFor();
    await composer(ada).press("ArrowUp");
    await ada.locator(".editor textarea").fill("without a mistake");
    await ada.locator(".editor textarea").press("Enter");
    await saying(ben, "without a mistake").locator(".edited").waitFor();
    await saying(ada, "without a mistake").waitFor();
  });

  test("react, see who did, and take it back", async () => {
    await say(ada, "lunch?");
    await saying(ben, "lunch?").hover();
    await ben.getByRole("button", { name: "React with 👍" }).click();
    const chip = saying(ada, "lunch?").locator(".reaction").first();
    await chip.waitFor();
    expect(await chip.getAttribute("aria-label")).toContain("Ben Okafor");
    await saying(ben, "lunch?").locator(".reaction[aria-pressed=true]").click();
    await chip.waitFor({ state: "detached" });
  });

  test("answer in a thread, with its own composer", async () => {
    await say(ada, "a question for the side");
    await act(ben, "a question for the side", "Reply in thread");
    await ben.locator(".aside .composer textarea").fill("an answer beside it");
    await ben.locator(".aside .composer textarea").press("Enter");
    await saying(ada, "a question for the side").locator(".thread-link", { hasText: "1 reply" }).click();
    await ada.locator(".aside article", { hasText: "an answer beside it" }).waitFor();
    expect(await saying(ada, "an answer beside it").count()).toBe(0);
  });

  test("quote, pin and delete", async () => {
    await say(ada, "worth keeping");
    await act(ben, "worth keeping", "Quote");
    await say(ben, "indeed");
    await saying(ada, "indeed").locator(".quote", { hasText: "worth keeping" }).waitFor();
    await act(ben, "indeed", "Pin");
    await saying(ada, "indeed").locator(".message-pinned").waitFor();
    await act(ada, "worth keeping", "Delete");
    await ada.getByRole("button", { name: "Delete", exact: true }).click();
    await messages(ben).filter({ hasText: "This message was deleted" }).first().waitFor();
  });

  test("take a deletion back", async () => {
    await say(ada, "said in haste");
    await saying(ben, "said in haste").waitFor();
    await act(ada, "said in haste", "Delete");
    await ada.getByRole("button", { name: "Delete", exact: true }).click();
    await saying(ada, "said in haste").waitFor({ state: "detached" });
    await ada.getByRole("button", { name: "Undo", exact: true }).click();
    await saying(ada, "said in haste").waitFor();
    expect(await saying(ben, "said in haste").count()).toBe(1);
  });

  test("mention somebody by the first letters, who sees that it's for them", async () => {
    await composer(ada).pressSequentially("over to you @be");
    await ada.getByRole("option", { name: "Ben Okafor" }).waitFor();
    await composer(ada).press("Enter");
    await composer(ada).press("Enter");
    await ben.locator(".message-to-me .mention-me", { hasText: "@Ben Okafor" }).waitFor();
  });

  test("complete emoji by name", async () => {
    await composer(ada).pressSequentially("well done :tada");
    await ada.getByRole("option", { name: ":tada:" }).waitFor();
    await composer(ada).press("Tab");
    await composer(ada).press("Enter");
    await saying(ben, "well done 🎉").waitFor();
  });

  test("ask and vote", async () => {
    await ada.getByRole("button", { name: "New poll" }).click();
    await ada.getByRole("textbox", { name: "Question" }).fill("Tea or coffee?");
    await ada.getByLabel("Option 1").fill("Tea");
    await ada.getByLabel("Option 2").fill("Coffee");
    await ada.getByRole("button", { name: "Ask" }).click();
    await ben.locator(".poll-option", { hasText: "Tea" }).last().click();
    await ada.locator(".poll", { hasText: "1 vote" }).waitFor();
  });

  test("go on from where the keyboard is: arrows, letters, Ctrl+K", async () => {
    await say(ada, "by keyboard");
    await saying(ben, "by keyboard").waitFor();
    await ada.locator(".message-sending, .message-queued").waitFor({ state: "detached" });
    await ada.locator(".pane .timeline").focus();
    await ada.keyboard.press("ArrowUp");
    await ada.keyboard.press("e");
    await ada.locator(".editor textarea").fill("by keyboard alone");
    await ada.keyboard.press("Enter");
    await saying(ben, "by keyboard alone").waitFor();
    await ada.keyboard.press("Control+k");
    await ada.keyboard.type("ben");
    await ada.locator("[role=option]", { hasText: "Ben Okafor" }).waitFor();
    await ada.keyboard.press("Enter");
    await ada.getByRole("heading", { level: 1, name: "Ben Okafor" }).waitFor();
  });
});

describe("without the server", () => {
  test("a message waits, over a reload, and is sent once when the server is back", async () => {
    await server.kill();
    await say(ada, "written into the dark");
    // Nothing says that a QUIC server was killed but its silence.
    await ada.locator(".connection").waitFor({ timeout: 60_000 });
    await saying(ada, "written into the dark")
      .locator(".delivery", { hasText: "Waiting to be sent" })
      .waitFor();
    await ada.reload();
    await saying(ada, "The beginning").waitFor();
    await saying(ada, "written into the dark").locator(".delivery").waitFor();
    await server.run();
    await saying(ben, "written into the dark").waitFor({ timeout: 60_000 });
    await ada.locator(".connection").waitFor({ state: "detached", timeout: 60_000 });
    await saying(ada, "written into the dark").locator(".delivery").waitFor({ state: "detached" });
    expect(await saying(ben, "written into the dark").count()).toBe(1);
  });

  test("a draft is kept per room over a reload", async () => {
    await composer(ada).fill("not finished");
    await ada.reload();
    await saying(ada, "The beginning").waitFor();
    expect(await composer(ada).inputValue()).toBe("not finished");
    await composer(ada).fill("");
  });
});

describe("signing in", () => {
  test("says in plain words what is wrong with a token", async () => {
    const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
    await page.goto(site.url);
    await page.getByRole("button", { name: "Use a token" }).click();
    await page.getByLabel("Token").fill("hello");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").filter({ hasText: "isn’t a token" }).waitFor();
    const forged = server.token("eve").split(".").with(2, "AAAA").join(".");
    await page.getByLabel("Token").fill(forged);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").filter({ hasText: "doesn’t accept this token" }).waitFor();
    await page.context().close();
  });

  test("leaves no token in the address", async () => {
    expect(ada.url()).not.toContain("token");
  });
});

describe("axe finds nothing", () => {
  for (const scheme of ["light", "dark"] as const) {
    test(`in the main views, ${scheme}`, async () => {
      await dress(ada, scheme);
      await say(
        ada,
        `for **axe**, ${scheme}: \`code\`, [a link](https://example.com) @everyone\n\n\`\`\`js\nlet a = 1;\n\`\`\`\n> quoted`,
      );
      // Tried once more it stands there twice.
      await saying(ada, `for axe, ${scheme}`).last().hover();
      const findings: Finding[] = [];
      const look = async (view: string) => findings.push(...(await new AxeBuilder(ada).findings(view)));
      await look("room");
      await goTo(ada, `#/room/${room}/members`);
      await ada.locator(".aside .person-row").first().waitFor();
      await look("members");
      await goTo(ada, `#/room/${room}/thread/2`);
      await ada.locator(".aside article.message .message-name").first().waitFor();
      await look("thread");
      await goTo(ada, "#/threads");
      await ada.locator(".threads").waitFor();
      await look("threads");
      await ada.keyboard.press("Control+k");
      await look("switcher");
      await ada.keyboard.press("Escape");
      await ada.locator(".my-button").click();
      await look("menu");
      await ada.getByRole("menuitem", { name: "Settings" }).click();
      await look("settings");
      await ada.keyboard.press("Escape");
      await goTo(ada, "#/");
      await look("home");
      expect(findings).toEqual([]);
    });
  }
});
