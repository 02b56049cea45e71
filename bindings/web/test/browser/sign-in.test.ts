// Signing in in a real browser: what is kept of a login outlives the page, and tabs share it.

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Login } from "../../src/sign-in.js";
import { addUser } from "../e2e/accounts.js";
import { TestServer } from "../e2e/server.js";
import { browse, Site } from "./site.js";

/** Tokens that are renewed all the time. */
const ACCOUNTS = "[accounts]\nenabled = true\ntoken_s = 5\n";

let server: TestServer;
let site: Site;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  server = await TestServer.start("[::]", ACCOUNTS);
  site = await Site.start();
  browser = await browse();
  addUser(server, "root", "--admin");
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

beforeEach(async () => {
  await context?.close();
  context = await browser.newContext();
});

async function ready(page: Page): Promise<void> {
  await page.waitForFunction(() => "parlour" in globalThis, undefined, { timeout: 5000 });
}

async function open(fragment = ""): Promise<Page> {
  const page = await context.newPage();
  await page.goto(site.url + fragment);
  await ready(page);
  return page;
}

/** As an application begins: with the login that is kept, or the code in its address. */
async function begin(page: Page, store: "database" | "storage" = "database"): Promise<void> {
  await page.evaluate(
    async ({ url, store }) => {
      const { IndexedDbLoginStore, LocalLoginStore, Login, SignIn, parseSignInLink } = parlour;
      const place = store === "database" ? new IndexedDbLoginStore("login") : new LocalLoginStore("login");
      const login = await Login.open({ url, store: place });
      if (!login.isKept) await login.signIn(SignIn.code(parseSignInLink(location.href).code));
      history.replaceState(null, "", location.pathname);
      Object.assign(globalThis, { login });
    },
    { url: server.url, store },
  );
}

const renewals =
  "Promise.all(Array.from({ length: 5 }, () => login.token(true))).then((tokens) => tokens.length)";

describe.each(["database", "storage"] as const)("a login in a browser's %s", (store) => {
  it("begins with the code in the page's address, and outlives the page", async () => {
    const page = await open(`#sign-in=${addUser(server, `ada-${store}`)}`);
    await begin(page, store);
    expect(page.url()).toBe(site.url);
    await page.reload();
    await ready(page);
    await begin(page, store);
    expect(await page.evaluate("login.user")).toEqual({ subject: `ada-${store}`, organization: "example" });
  });

  it("is gone on with by tabs in turn", async () => {
    const first = await open(`#sign-in=${addUser(server, `ben-${store}`)}`);
    await begin(first, store);
    const second = await open();
    await begin(second, store);
    const both = await Promise.all([first.evaluate(renewals), second.evaluate(renewals)]);
    expect(both).toEqual([5, 5]);
    expect(await first.evaluate("login.token(true).then(() => login.isKept)")).toBe(true);
  });

  it("outlives pages that end in the middle of renewing it", async () => {
    const page = await open(`#sign-in=${addUser(server, `cleo-${store}`)}`);
    await begin(page, store);
    for (let n = 0; n < 15; n++) {
      // Whatever was under way is cut off.
      await page.evaluate("void (async () => { for (;;) await login.token(true); })()");
      await new Promise((resolve) => setTimeout(resolve, (n * 37) % 60));
      await page.reload();
      await ready(page);
      await begin(page, store);
    }
    expect(await page.evaluate(renewals)).toBe(5);
  });
});

describe("a client with a login", () => {
  it("stays connected while its tokens run out one after the other", async () => {
    const page = await open(`#sign-in=${addUser(server, "dora")}`);
    await begin(page);
    const seen = await page.evaluate(async (url) => {
      const { login } = globalThis as unknown as { login: Login };
      const client = await parlour.Client.connect({ url, token: login });
      const states: string[] = [];
      client.state.subscribe(() => states.push(client.state.current.type));
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      const wasLost = states.some((type) => type !== "live");
      const room = await client.createGroup("still here");
      await room.send("still here");
      await new parlour.Account(client, login).signOut();
      while (client.state.current.type !== "stopped") await new Promise((resolve) => setTimeout(resolve, 20));
      return { wasLost, state: client.state.current, isKept: login.isKept };
    }, server.url);
    expect(seen.wasLost).toBe(false);
    expect(seen.state).toMatchObject({ stop: { why: "sign-in-refused", reason: "LOGIN_ENDED" } });
    expect(seen.isKept).toBe(false);
  });
});
