/** Pictures of the administration, light and dark, wide, on a phone, and from right to left, into `screenshots/`. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ADMIN_SCOPES } from "@parlour/client/admin";
import type { Page } from "playwright-core";
import { METRICS_TOKEN, seedForAdmins, startWithAccounts, tokenWith } from "./support/admin.ts";
import { browse, visit } from "./support/browser.ts";
import { Site } from "./support/site.ts";

const FOLDER = join(import.meta.dirname, "../screenshots");
const SETTLED_MS = 500;
const VIEWS = {
  directory: "#/admin/directory/engineering%2Ffirmware",
  people: "#/admin/people/tomas",
  program: "#/admin/people/weather",
  invites: "#/admin/invites",
  sessions: "#/admin/sessions",
  audit: "#/admin/audit",
  reports: "#/admin/reports",
  health: "#/admin/health",
};

mkdirSync(FOLDER, { recursive: true });
const server = await startWithAccounts();
const site = await Site.start(join(import.meta.dirname, "../dist"), server.httpPort);
const browser = await browse();
try {
  const mara = await seedForAdmins(server);
  const token = tokenWith(server, "mara", ADMIN_SCOPES);
  for (const scheme of ["light", "dark"] as const) {
    const page = await visit(browser, site.url, token, { colorScheme: scheme, deviceScaleFactor: 1.5 });
    await all(page, `admin-${scheme}`);
    await dialogs(page, `admin-${scheme}`);
    for (const complaint of page.complaints) console.log(`${scheme}: ${complaint}`);
    await page.context().close();
  }
  const phone = {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    hasTouch: true,
    isMobile: true,
  };
  const small = await visit(browser, site.url, token, phone);
  await to(small, "#/admin");
  await shoot(small, "admin-phone-parts");
  await to(small, "#/admin/directory");
  await shoot(small, "admin-phone-tree");
  await all(small, "admin-phone");
  await small.context().close();
  const arabic = await visit(browser, site.url, token, { locale: "ar", deviceScaleFactor: 1.5 });
  await all(arabic, "admin-rtl");
  await arabic.context().close();
  await mara.disconnect();
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
}

async function all(page: Page, prefix: string): Promise<void> {
  for (const [view, hash] of Object.entries(VIEWS)) {
    await to(page, hash);
    await page.locator(".tree, .table, .reports, .meters").first().waitFor({ state: "attached" });
    const field = page.locator(".metrics-token input");
    if (view === "health" && (await field.isVisible())) {
      await field.fill(METRICS_TOKEN);
      await field.press("Enter");
      await page.locator(".troubles, .health h3").first().waitFor();
    }
    await shoot(page, `${prefix}-${view}`);
  }
}

async function dialogs(page: Page, prefix: string): Promise<void> {
  await to(page, "#/admin/directory/engineering");
  await page.getByRole("button", { name: "Archive" }).click();
  await page.locator(".dry-run .tag-changed").waitFor();
  await shoot(page, `${prefix}-archive`);
  await page.keyboard.press("Escape");
  await to(page, "#/admin/people/yuki");
  await page.getByRole("button", { name: "Sign-in link" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign-in link" }).click();
  await page.locator(".secret-text").waitFor();
  await shoot(page, `${prefix}-link`);
  await page.keyboard.press("Escape");
  await to(page, "#/admin/invites");
  await page.getByRole("button", { name: "New invite" }).click();
  await shoot(page, `${prefix}-new-invite`);
  await page.keyboard.press("Escape");
}
