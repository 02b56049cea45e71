// Signing in: with links, invites, passwords, tokens, and at an identity provider of its own.

import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AxeBuilder } from "../support/axe.ts";
import { browse } from "../support/browser.ts";
import { TestProvider } from "../support/provider.ts";
import { TestServer } from "../support/server.ts";
import { Site } from "../support/site.ts";

const DIST = join(import.meta.dirname, "../../dist");
/** How long a token of the provider is good. */
const TOKEN_S = 30;
const PASSWORD = "correct horse battery";
const ORG = ["--org", "example"];

let server: TestServer;
let site: Site;
let provider: TestProvider;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  provider = await TestProvider.reserve();
  const { issuer } = provider;
  const oidc = [
    "[[auth.oidc]]",
    `issuer = "${issuer}"`,
    'audiences = ["parlour"]',
    'organization = "example"',
    'web_client = "parlour"',
    'web_title = "Example SSO"',
    "look_gap_s = 1",
  ];
  server = await TestServer.start(`[accounts]\nenabled = true\ntoken_s = 60\n${oidc.join("\n")}\n`);
  site = await Site.start(DIST, server.httpPort, { provider: issuer });
  await provider.run(site.url, TOKEN_S);
  browser = await browse();
  server.command("user", "add", "root", ...ORG, "--admin");
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await provider?.stop();
  await server?.stop();
});

beforeEach(async () => {
  page = await visitor();
});

afterEach(async () => {
  await page.context().close();
});

async function visitor(locale = "en-GB"): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 860 }, locale });
  const visiting = await context.newPage();
  visiting.setDefaultTimeout(30_000);
  return visiting;
}

const fragmentOf = (printed: string) => {
  const [, kind, code] = /\/(sign-in|invite)#code=([^&\s]+)/.exec(printed) ?? [];
  return `#${kind}=${code}`;
};
const addUser = (name: string) =>
  fragmentOf(server.command("user", "add", name, ...ORG, "--name", `${name} Example`));
const invite = (...more: string[]) => fragmentOf(server.command("invite", "create", ...ORG, ...more));
const shell = (on = page) => on.locator(".shell");
const button = (name: string, on = page) => on.getByRole("button", { name, exact: true });

async function signOut(on = page): Promise<void> {
  await on.locator(".my-button").click();
  await on.getByRole("menuitem", { name: "Sign out" }).click();
  await on.locator(".sign-in").waitFor();
}

async function setPassword(name: string): Promise<void> {
  // The page to do it in comes with the settings; here it is the SDK that does.
  const { Account, LocalLoginStore, Login, parseSignInLink, SignIn } = await import(
    "@parlour/client/sign-in"
  );
  const { Client } = await import("@parlour/client");
  const { default: WebSocket } = await import("ws");
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const options = { url: server.url, webSocket: WebSocket as never };
  const login = await Login.open({ ...options, store: new LocalLoginStore("test", () => storage) });
  await login.signIn(SignIn.code(parseSignInLink(`${site.url}${addUser(name)}`).code));
  const client = await Client.connect({ ...options, token: login });
  await new Account(client, login).setPassword("", PASSWORD);
  await client.disconnect();
}

describe("a sign-in link", () => {
  test("signs in at once, leaves no code behind, outlives a reload, and is good once", async () => {
    const fragment = addUser("ada");
    await page.goto(site.url + fragment);
    await shell().waitFor();
    expect(page.url()).not.toContain("sign-in");
    await page.reload();
    await shell().waitFor();
    const other = await visitor();
    await other.goto(site.url + fragment);
    await other.getByRole("alert").filter({ hasText: "isn’t good any more" }).waitFor();
    await button("Sign in another way", other).click();
    await other.getByLabel("Password").waitFor();
    await other.context().close();
  });

  test("asks first where somebody is signed in", async () => {
    await page.goto(site.url + addUser("bea"));
    await shell().waitFor();
    const fragment = addUser("cyd");
    await page.evaluate((hash) => {
      location.hash = hash;
    }, fragment);
    await button("Stay signed in as bea").click();
    await shell().waitFor();
    await page.evaluate((hash) => {
      location.hash = hash;
    }, fragment);
    await button("Sign out and use this one").click();
    await page.locator(".my-button", { hasText: "cyd Example" }).waitFor();
  });

  test("can be pasted", async () => {
    await page.goto(site.url);
    await button("Use a sign-in link").click();
    await page.getByLabel("Link").fill("nonsense");
    await button("Sign in").click();
    await page.getByRole("alert").filter({ hasText: "isn’t a sign-in link" }).waitFor();
    await page.getByLabel("Link").fill(
      server
        .command("user", "add", "dan", ...ORG)
        .split("\n")
        .at(-1) ?? "",
    );
    await page.keyboard.press("Enter");
    await shell().waitFor();
  });

  test("waits for a server that can't be reached", async () => {
    const fragment = addUser("eli");
    await server.kill();
    await page.goto(site.url + fragment);
    await page.getByRole("alert").filter({ hasText: "can’t be reached" }).waitFor({ timeout: 40_000 });
    await server.run();
    await button("Try again").click();
    await shell().waitFor();
  });
});

describe("the ways in", () => {
  test("come by themselves once the server can be asked", async () => {
    await page.route("**/parlour/v1/endpoints", (route) => route.abort());
    await page.goto(site.url);
    await page.getByRole("alert").filter({ hasText: "can’t be reached" }).waitFor();
    await page.unroute("**/parlour/v1/endpoints");
    await page.getByLabel("Handle").waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });
});

describe("a password", () => {
  test("is asked for in fields that password managers know", async () => {
    await page.goto(site.url);
    const field = (name: string) => page.locator(`form input[name=${name}]`);
    expect(await field("username").getAttribute("autocomplete")).toBe("username webauthn");
    expect(await field("password").getAttribute("autocomplete")).toBe("current-password");
    expect(await field("organization").getAttribute("autocomplete")).toBe("organization");
  });

  test("signs in, or says what is wrong, and how long to wait after too many", async () => {
    await setPassword("fay");
    await page.goto(site.url);
    await page.getByLabel("Organization").fill("example");
    await page.getByLabel("Handle").fill("@fay");
    await page.getByLabel("Password").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "isn’t right" }).waitFor();
    await page.getByLabel("Password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await shell().waitFor();
    await signOut();
    expect(await page.getByLabel("Organization").inputValue()).toBe("example");
    expect(await page.getByLabel("Handle").inputValue()).toBe("fay");
    for (let at = 0; at < 8; at++) {
      await button("Sign in").isEnabled();
      await page.getByLabel("Password").fill("wrong");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").waitFor();
      if ((await page.getByRole("alert").textContent())?.includes("Too many tries")) break;
    }
    await page.getByRole("alert").filter({ hasText: "Too many tries" }).waitFor();
  });
});

describe("an invite", () => {
  test("makes an account, under a handle that nobody has", async () => {
    await page.goto(site.url + invite());
    await page.getByLabel("Your name").fill("Root");
    expect(await page.getByLabel("Handle").inputValue()).toBe("root");
    await button("Create account").click();
    await page.getByRole("alert").filter({ hasText: "called that already" }).waitFor();
    await page.getByLabel("Handle").fill("gus");
    await button("Create account").click();
    await page.locator(".my-button", { hasText: "Root" }).waitFor();
  });

  test("waits over a reload until somebody lets them in", async () => {
    await page.goto(site.url + invite("--knock", "--label", "door"));
    await page.getByLabel("Your name").fill("Hana");
    await page.getByLabel(/A word to whoever/).fill("from next door");
    await button("Create account").click();
    await page.getByText("Waiting until somebody lets you in").waitFor();
    await page.reload();
    await page.getByText("Waiting until somebody lets you in").waitFor();
    const listed = server.command("invite", "list", ...ORG).split("\n");
    const [id = ""] = listed.find((line) => line.includes("door"))?.split(" ") ?? [];
    server.command("invite", "approve", id, "hana", ...ORG);
    await shell().waitFor({ timeout: 40_000 });
  });

  test("that is used up says so", async () => {
    const fragment = invite();
    await page.goto(site.url + fragment);
    await page.getByLabel("Your name").fill("Ida");
    await button("Create account").click();
    await shell().waitFor();
    const other = await visitor();
    await other.goto(site.url + fragment);
    await other.getByLabel("Your name").fill("Ivo");
    await button("Create account", other).click();
    await other.getByRole("alert").filter({ hasText: "used up" }).waitFor();
    await other.context().close();
  });
});

describe("a login", () => {
  test("ends at the server when its user signs out", async () => {
    await page.goto(site.url + addUser("jan"));
    await shell().waitFor();
    const logins = () => server.command("user", "list", ...ORG);
    await signOut();
    expect(logins()).toMatch(/jan\b.*\b0\b/);
    await page.reload();
    await page.getByLabel("Password").waitFor();
  });

  test("that is ended elsewhere is told of calmly", async () => {
    await page.goto(site.url + addUser("kim"));
    await shell().waitFor();
    server.command("user", "sign-out", "kim", ...ORG);
    await page.locator(".calm", { hasText: "Sign in again" }).waitFor({ timeout: 30_000 });
  });
});

describe("an identity provider", () => {
  async function letIn(name: string): Promise<void> {
    await button("Continue with Example SSO").click();
    await page.locator("input[name=login]").fill(name);
    await page.locator("input[name=password]").fill("anything");
    await page.locator("button[type=submit]").click();
    await page.locator("button[type=submit]", { hasText: "Continue" }).click();
  }

  test("signs in, and gives new tokens before the old ones end", async () => {
    await page.goto(site.url);
    await letIn("mia");
    await page.locator(".my-button", { hasText: "Mia" }).waitFor();
    expect(page.url()).not.toContain("code=");
    const renewed = () => page.waitForResponse(`${provider.issuer}/token`, { timeout: 40_000 });
    await (await renewed()).finished();
    await (await renewed()).finished();
    await page.locator(".connection").waitFor({ state: "detached" });
    await page.reload();
    await page.locator(".my-button", { hasText: "Mia" }).waitFor();
    await signOut();
    await page.reload();
    await button("Continue with Example SSO").waitFor();
  });

  test("loses nobody who reloads the page while it gives them a new token", async () => {
    await page.goto(site.url);
    await letIn("lia");
    await page.locator(".my-button", { hasText: "Lia" }).waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await provider.slow(4000);
    const before = await provider.refreshed();
    await expect.poll(() => provider.refreshed(), { timeout: 60_000 }).toBeGreaterThan(before);
    // The token is spent, and the next one hasn't come yet.
    await page.reload();
    await page.locator(".my-button", { hasText: "Lia" }).waitFor();
    await provider.slow(0);
    await page.locator(".connection").waitFor({ state: "detached" });
    // The one after it comes, too, with what was rescued.
    const rescued = await provider.refreshed();
    await expect.poll(() => provider.refreshed(), { timeout: 60_000 }).toBeGreaterThan(rescued);
    await page.reload();
    await page.locator(".my-button", { hasText: "Lia" }).waitFor();
    await signOut();
  });

  test("that doesn't know somebody any more leads to signing in again, calmly", async () => {
    await page.goto(site.url);
    await letIn("noa");
    await shell().waitFor();
    await provider.stop();
    await provider.run(site.url, TOKEN_S);
    await page.locator(".calm", { hasText: "Sign in again" }).waitFor({ timeout: 90_000 });
  });

  test("that says no, and an answer that nobody asked for, are told of", async () => {
    await page.goto(site.url);
    await button("Continue with Example SSO").click();
    await page.locator("a", { hasText: "Cancel" }).click();
    await page.locator(".calm", { hasText: "weren’t signed in" }).waitFor();
    await page.goto(`${site.url}?code=abc&state=def`);
    await page.getByRole("alert").filter({ hasText: "didn’t sign you in" }).waitFor();
  });
});

describe("axe finds nothing", () => {
  for (const [scheme, locale] of [
    ["light", "en-GB"],
    ["dark", "ar"],
  ] as const) {
    test(`while somebody signs in, ${scheme}, ${locale}`, async () => {
      const visiting = await visitor(locale);
      await visiting.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      const look = async (view: string) => expect(await new AxeBuilder(visiting).findings(view)).toEqual([]);
      await visiting.goto(site.url);
      await visiting.locator("input[name=password]").waitFor();
      await look("choice");
      await visiting.goto(`${site.url}${invite("--knock")}`);
      await visiting.locator("input[name=name]").waitFor();
      await look("invite");
      await visiting.context().close();
    });
  }
});
