/** A real browser, and people who look at the app with it. */

import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** The browser that `CHROMIUM_BIN` names; Debian's where it isn't set. */
export async function browse(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** A window of somebody who is signed in. Whatever the page complains of is an error of the test. */
export async function visit(
  browser: Browser,
  url: string,
  token: string,
  options: BrowserContextOptions & { room?: string } = {},
): Promise<Page & { complaints: string[] }> {
  const { room, ...rest } = options;
  const context = await browser.newContext({
    viewport: { width: 1360, height: 860 },
    locale: "en-GB",
    ...rest,
  });
  const page = Object.assign(await context.newPage(), { complaints: [] as string[] });
  page.setDefaultTimeout(15_000);
  page.on("pageerror", (error) => page.complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/WebTransport|WebSocket|ERR_|Failed to load/.test(message.text())) {
      page.complaints.push(message.text());
    }
  });
  await page.goto(`${url}#token=${token}${room ? `&room=${room}` : ""}`);
  await page.locator(".shell").waitFor();
  return page;
}
