import { join } from "node:path";
import type { Client } from "@parlour/client";
import * as admin from "@parlour/client/admin";
import { SignIn } from "@parlour/client/sign-in";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  connectWith,
  METRICS_TOKEN,
  seedForAdmins,
  signIn,
  startWithAccounts,
  tokenWith,
} from "../support/admin.ts";
import { AxeBuilder, type Finding } from "../support/axe.ts";
import { browse, visit } from "../support/browser.ts";
import type { TestServer } from "../support/server.ts";
import { Site } from "../support/site.ts";

const OPTIONS = { permissions: ["clipboard-read", "clipboard-write"] };

let server: TestServer;
let site: Site;
let browser: Browser;
let mara: Client;
let page: Page & { complaints: string[] };

beforeAll(async () => {
  server = await startWithAccounts();
  site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  browser = await browse();
  mara = await seedForAdmins(server);
  page = await visit(browser, site.url, tokenWith(server, "mara", admin.ADMIN_SCOPES), OPTIONS);
});

afterAll(async () => {
  await mara?.disconnect();
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

afterEach(async () => {
  const complaints = page.complaints.splice(0);
  // Whatever a test that failed has left open.
  for (let times = 0; times < 3; times++) await page.keyboard.press("Escape");
  expect(complaints).toEqual([]);
});

async function goTo(hash: string, at: Page = page): Promise<void> {
  await at.evaluate((it) => {
    location.hash = it;
  }, hash);
}

const button = (name: string | RegExp, at: Page = page) => at.getByRole("button", { name, exact: true });
const dialog = () => page.getByRole("dialog");
const row = (text: string) => page.locator("tbody tr", { hasText: text });

describe("who sees it", () => {
  test("nobody's chat carries it before it is opened", async () => {
    const loaded = await page.evaluate(() =>
      performance.getEntriesByType("resource").map(({ name }) => name),
    );
    expect(loaded.filter((name) => name.includes("AdminView"))).toEqual([]);
  });

  test("those whose token has a scope, from their menu, and nobody else", async () => {
    await button(/Mara Lindqvist/).click();
    await page.getByRole("menuitem", { name: "Administration" }).click();
    await page.getByRole("heading", { level: 1, name: "Directory" }).waitFor();
    const ben = await visit(browser, site.url, server.token("priya"));
    await button(/Priya/, ben).click();
    await ben.getByRole("menuitem", { name: "Settings" }).waitFor();
    expect(await ben.getByRole("menuitem", { name: "Administration" }).count()).toBe(0);
    await ben.context().close();
  });

  test("each part says calmly what the token doesn't allow", async () => {
    const token = tokenWith(server, "tomas", ["admin:audit"]);
    const tomas = await visit(browser, site.url, token);
    await goTo("#/admin", tomas);
    await tomas.getByRole("heading", { level: 1, name: "Audit log" }).waitFor();
    const links = await tomas.locator(".admin-part").allTextContents();
    expect(links.map((link) => link.trim())).toEqual(["Audit log", "Health"]);
    await goTo("#/admin/people", tomas);
    await tomas.getByText("admin:directory, admin:accounts", { exact: false }).first().waitFor();
    expect(tomas.complaints).toEqual([]);
    await tomas.context().close();
  });
});

describe("the directory", () => {
  const node = (name: string) => page.getByRole("treeitem", { name });

  test("is a tree for the keyboard", async () => {
    await goTo("#/admin/directory");
    await node("Meridian Instruments").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("e");
    const engineering = node("Engineering");
    expect(await engineering.getAttribute("tabindex")).toBe("0");
    await page.keyboard.press("ArrowLeft");
    expect(await engineering.getAttribute("aria-expanded")).toBe("false");
    await node("Firmware").waitFor({ state: "detached" });
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.locator(".aside h2").waitFor();
    expect(page.url()).toContain("#/admin/directory/engineering%2F");
  });

  test("gets a node, which is renamed, moved, archived and taken back", async () => {
    await goTo("#/admin/directory");
    await button("New node").click();
    await dialog().getByLabel("Name").fill("Field Trials");
    await dialog().getByLabel("Kind").selectOption("department");
    expect(await dialog().getByLabel("Key").inputValue()).toBe("field-trials");
    await button("Create").click();
    await page.locator(".aside h2", { hasText: "Field Trials" }).waitFor();

    await button("Edit").click();
    await dialog().getByLabel("Name").fill("Field tests");
    await button("Save").click();
    await node("Field tests").waitFor();

    await button("Move").click();
    expect(await dialog().getByRole("button", { name: "Move" }).isDisabled()).toBe(true);
    await dialog().getByLabel("Below").selectOption("engineering");
    await dialog().getByText("below engineering").waitFor();
    await dialog().getByRole("button", { name: "Move" }).click();
    await page.locator(".facts", { hasText: "Engineering" }).waitFor();

    await button("Archive").click();
    await dialog().locator(".dry-run", { hasText: "changes" }).waitFor();
    await dialog().getByRole("button", { name: "Archive" }).click();
    await node("Field tests").waitFor({ state: "detached" });
    await button("Take back").click();
    await dialog().getByRole("button", { name: "Take back" }).click();
    await node("Field tests").waitFor();
    const nodes = await admin.directory(mara);
    expect(nodes.find(({ key }) => key === "field-trials")).toMatchObject({
      name: "Field tests",
      parent: "engineering",
      isArchived: false,
    });
  });

  test("has members, who come, get another role and go", async () => {
    await goTo("#/admin/directory/board");
    await button("Add member").click();
    await dialog().getByRole("searchbox").fill("yuk");
    await dialog().getByRole("button", { name: /Yuki/ }).click();
    await dialog().getByRole("button", { name: "Add member" }).click();
    const yuki = page.locator(".admin-list li", { hasText: "Yuki Tanaka" });
    await yuki.getByRole("button", { name: /Change role/ }).click();
    await dialog().getByLabel("Change role").fill("secretary");
    await dialog().getByText("yuki in board as secretary").waitFor();
    await dialog().getByRole("button", { name: "Change role" }).click();
    await yuki.getByText("secretary").waitFor();
    await yuki.getByRole("button", { name: /Remove/ }).click();
    await dialog().locator(".tag", { hasText: "goes" }).waitFor();
    await dialog().getByRole("button", { name: "Remove" }).click();
    await yuki.waitFor({ state: "detached" });
  });
});

describe("people", () => {
  test("are found, sorted and opened by keyboard", async () => {
    await goTo("#/admin/people");
    await row("Mara Lindqvist").waitFor();
    await row("tomas").getByText("admin", { exact: true }).waitFor();
    await page.getByRole("searchbox").fill("yuk");
    await expect.poll(() => page.locator("tbody tr").count()).toBe(1);
    await page.getByRole("searchbox").fill("");
    await button("Deactivated").click();
    await row("Hugo Almeida").waitFor();
    await button("Everyone").click();
    await button("Name").click();
    await page.locator("tbody [data-row]").first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.locator(".aside h2").waitFor();
    expect(await page.locator("tr[data-opened]").count()).toBe(1);
  });

  test("come with a link that is shown once and lets them in", async () => {
    await goTo("#/admin/people");
    await button("Add person").click();
    await dialog().getByLabel("Name", { exact: true }).fill("Nils Aalto");
    await dialog().getByLabel("Account name").fill("nils");
    await dialog().getByRole("button", { name: "Create" }).click();
    const link = await page.locator(".secret-text").textContent();
    expect(link).toMatch(new RegExp(`^${site.url}#sign-in=.{20,}`));
    await button("Copy").click();
    await button("Copied").waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);
    await dialog().getByRole("button", { name: "Close" }).last().click();
    expect(await page.locator(".secret-text").count()).toBe(0);
    await row("Nils Aalto").waitFor();
    const code = decodeURIComponent(link?.split("#sign-in=")[1] ?? "");
    const login = await signIn(server, SignIn.code(code));
    expect(login.user?.subject).toBe("nils");
  });

  test("are deactivated after a look at what that does, with an heir, and let in again", async () => {
    await goTo("#/admin/people/jonas");
    await button("Deactivate").click();
    await dialog().getByText("jonas: deactivated").waitFor();
    await dialog().getByRole("searchbox").fill("amin");
    await dialog().getByRole("button", { name: /Amina/ }).click();
    await dialog().getByText("What jonas owns goes to amina").waitFor();
    await dialog().getByRole("button", { name: "Deactivate" }).click();
    await button("Reactivate").click();
    await dialog().getByText("jonas: active again").waitFor();
    await dialog().getByRole("button", { name: "Reactivate" }).click();
    await button("Deactivate").waitFor();
  });

  test("that are programs have keys, told once", async () => {
    await goTo("#/admin/people/weather");
    await page.locator(".admin-list", { hasText: "on the new machine" }).waitFor();
    await button("New key").click();
    await dialog().getByLabel("What the key is for").fill("second");
    await dialog().getByRole("button", { name: "New key" }).click();
    expect(await page.locator(".secret-text").textContent()).toMatch(/^parlour_/);
    await dialog().getByRole("button", { name: "Close" }).last().click();
    const key = page.locator(".admin-list li", { hasText: "second" });
    await key.getByRole("button", { name: /Revoke/ }).click();
    await dialog().getByRole("button", { name: "Revoke" }).click();
    await key.getByText("Revoked").waitFor();
  });
});

describe("invites and sessions", () => {
  test("who knocks comes by itself and is let in or declined in place", async () => {
    const { code } = await admin.createInvite(mara, { label: "At the door", usesMax: 3, knock: true });
    await goTo("#/admin/invites");
    await row("At the door").waitFor();
    await signIn(server, SignIn.invite(code, { subject: "pia", name: "Pia", note: "Hello there" }));
    const pia = page.locator(".knock", { hasText: "Pia" });
    await pia.getByText("Hello there").waitFor();
    await pia.getByRole("button", { name: /Let in/ }).click();
    await pia.waitFor({ state: "detached" });
    await page
      .locator(".knock", { hasText: "Olek" })
      .getByRole("button", { name: /Decline/ })
      .click();
    await page.locator(".knock", { hasText: "Olek" }).waitFor({ state: "detached" });
    await row("At the door").locator("[data-row]").click();
    await page.locator(".aside .admin-list li", { hasText: "Joined" }).waitFor();
    await button("Revoke invite").click();
    await dialog().getByRole("button", { name: "Revoke invite" }).click();
    await row("At the door").getByText("Revoked").waitFor();
  });

  test("an invite's link is shown once", async () => {
    await goTo("#/admin/invites");
    await button("New invite").click();
    await dialog().getByLabel("What it is for").fill("Spring");
    await dialog().getByLabel("How many people").fill("7");
    await dialog().getByRole("button", { name: "Create link" }).click();
    expect(await page.locator(".secret-text").textContent()).toMatch(new RegExp(`^${site.url}#invite=`));
    await dialog().getByRole("button", { name: "Close" }).last().click();
    await row("Spring").getByText("0 of 7").waitFor();
  });

  test("a sign-in everywhere is ended", async () => {
    const { code } = await admin.createSignInLink(mara, "noor");
    await signIn(server, SignIn.code(code));
    await goTo("#/admin/sessions");
    await button("Signed in").and(page.locator(".pill")).click();
    await row("noor").getByText("in 1 place").waitFor();
    await row("noor").locator("[data-row]").click();
    await dialog().getByRole("button", { name: "Sign out everywhere" }).click();
    await row("noor").waitFor({ state: "detached" });
    await page.getByRole("textbox", { name: "Account name" }).fill("yuki");
    await button("Revoke").click();
    await dialog().getByRole("button", { name: "Revoke" }).click();
    await page.getByText("being closed").waitFor();
  });

  test("a connection is listed and ended", async () => {
    const priya = await connectWith(server, "priya");
    await goTo("#/admin/people");
    await goTo("#/admin/sessions");
    await row("Priya").getByText("WebSocket").waitFor();
    await row("Mara Lindqvist").first().waitFor();
    await row("Priya").locator("[data-row]").click();
    await dialog().getByRole("button", { name: "End session" }).click();
    await row("Priya").waitFor({ state: "detached" });
    expect(priya.state.current.type).toBe("stopped");
    await priya.disconnect();
  });
});

describe("the log, reports and health", () => {
  test("the log is in words, narrowed by words and topics", async () => {
    await goTo("#/admin/audit");
    await row("Account for the program weather").waitFor();
    await button("Moderation").click();
    await row("Refused words: 2 now").waitFor();
    await button("Everything").click();
    await page.getByRole("searchbox").fill("link for yuki");
    await expect.poll(() => page.locator("tbody tr").count()).toBe(2);
  });

  test("a report is decided", async () => {
    await goTo("#/admin/reports");
    const report = page.locator(".report", { hasText: "Cheap barometers" });
    await report.getByText("For the third time").waitFor();
    await report.getByRole("button", { name: "Delete message" }).click();
    await dialog().getByRole("button", { name: "Delete message" }).click();
    await report.waitFor({ state: "detached" });
    await button("Decided").click();
    await report.getByText("Deleted by mara").waitFor();
    await button("Refused words").click();
    const words = (await dialog().getByRole("textbox").inputValue()).split("\n");
    expect(words.sort()).toEqual(["get rich*", "snake oil"]);
    await page.keyboard.press("Escape");
  });

  test("how the server is, what there is, and what it counts, with the operator's token", async () => {
    await goTo("#/admin/health");
    await page.getByText("The server is well").waitFor();
    await page.locator(".facts", { hasText: "Up for" }).getByText("ready", { exact: true }).waitFor();
    await page.locator(".meter", { hasText: "People and programs" }).waitFor();
    await page.getByLabel("Metrics token").fill("wrong");
    await button("Show").click();
    await page.getByText("That isn’t the token.").waitFor();
    await page.getByLabel("Metrics token").fill(METRICS_TOKEN);
    await button("Show").click();
    await page.locator(".facts", { hasText: "takes writes" }).waitFor();
    await button("Change quotas").click();
    await dialog().getByLabel("Groups").fill("250");
    await button("Save").click();
    await page.locator(".meter", { hasText: "of 250" }).waitFor();
  });
});

describe("axe finds nothing", () => {
  const VIEWS = {
    directory: "#/admin/directory/engineering",
    people: "#/admin/people/weather",
    invites: "#/admin/invites",
    sessions: "#/admin/sessions",
    audit: "#/admin/audit",
    reports: "#/admin/reports",
    health: "#/admin/health",
  };
  for (const scheme of ["light", "dark"] as const) {
    test(`in any part, ${scheme}`, async () => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      const findings: Finding[] = [];
      const look = async (view: string) => findings.push(...(await new AxeBuilder(page).findings(view)));
      for (const [view, hash] of Object.entries(VIEWS)) {
        await goTo(hash);
        await page.locator(".tree, .table, .reports, .meters").first().waitFor();
        await page.waitForTimeout(300);
        await look(view);
      }
      await goTo("#/admin/directory/board");
      await button("Archive").click();
      await dialog().locator(".dry-run", { hasText: "changes" }).waitFor();
      await look("preview");
      await page.keyboard.press("Escape");
      await goTo("#/admin/people");
      await button("Add person").click();
      await look("form");
      await page.keyboard.press("Escape");
      expect(findings).toEqual([]);
    });
  }
});
