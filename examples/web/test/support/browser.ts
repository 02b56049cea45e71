/** A real browser, and people who look at the app with it. */

import { join } from "node:path";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  firefox,
  type Page,
} from "playwright-core";

/** Which browser the tests run in; the suite says so. */
export const ENGINE = process.env.BROWSER === "firefox" ? "firefox" : "chromium";

/** The browser that `CHROMIUM_BIN` or `FIREFOX_BIN` names; Debian's where it isn't set. */
export async function browse(more: readonly string[] = []): Promise<Browser> {
  if (ENGINE === "firefox") return browseFirefox();
  const executablePath = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox", ...more] });
}

/** Stock Firefox over WebDriver BiDi. */
async function browseFirefox(): Promise<Browser> {
  const executablePath = join(import.meta.dirname, "firefox-bidi.mjs");
  const browser = await firefox.launch({ channel: "moz-firefox", executablePath });
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    await context.addInitScript(insertTextAsAUserWould);
    return context;
  };
  return browser;
}

/**
 * Playwright writes into fields of Firefox by setting their value, of which React learns nothing. In its place the
 * browser is told to insert the text, as a keyboard or an input method would.
 */
function insertTextAsAUserWould(): void {
  Object.defineProperty(globalThis, "__pw_bidiInsertText", {
    get: () => (text: string) => void document.execCommand("insertText", false, text),
    set: () => undefined,
  });
}

/** What browsers say of a server that is away is no fault of the page. */
const UNREACHABLE =
  /WebTransport|WebSocket|ERR_|Failed to load|establish a connection|NetworkError|connection to ws/;

/** A page, and what it has complained of. */
export type Visit = Page & { complaints: string[] };

/** A window of somebody who is signed in. Whatever the page complains of is an error of the test. */
export async function visit(
  browser: Browser,
  url: string,
  token: string,
  options: BrowserContextOptions & { room?: string } = {},
): Promise<Visit> {
  const { room, ...rest } = options;
  const context = await browser.newContext({
    viewport: { width: 1360, height: 860 },
    locale: "en-GB",
    ...rest,
  });
  return openTab(context, url, token, room);
}

/** Another tab of a window. */
export async function openTab(
  context: BrowserContext,
  url: string,
  token: string,
  room?: string,
): Promise<Visit> {
  const page = Object.assign(await context.newPage(), { complaints: [] as string[] });
  page.setDefaultTimeout(Number(process.env.PATIENCE_MS ?? 30_000));
  page.on("pageerror", (error) => {
    if (!UNREACHABLE.test(error.message)) page.complaints.push(error.message);
  });
  page.on("console", (message) => {
    if (message.type() === "error" && !UNREACHABLE.test(message.text())) page.complaints.push(message.text());
  });
  await page.goto(`${url}#token=${token}${room ? `&room=${room}` : ""}`);
  await page.locator(".shell").waitFor();
  return page;
}
