// Passkeys, with an authenticator that the browser itself has for tests: added, signed in with, removed.

import { join } from "node:path";
import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AxeBuilder } from "../support/axe.ts";
import { browse } from "../support/browser.ts";
import { TestServer } from "../support/server.ts";
import { Site } from "../support/site.ts";

const PASSWORD = "correct horse battery";
const ORG = ["--org", "example"];

let server: TestServer;
let site: Site;
let browser: Browser;
let page: Page;
let device: Device;
let complaints: string[];

beforeAll(async () => {
  server = await TestServer.start("[accounts]\nenabled = true\n");
  site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
  browser = await browse();
  server.command("user", "add", "root", ...ORG, "--admin");
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

beforeEach(async () => {
  complaints = [];
  page = await visitor();
  device = await Device.of(page);
});

afterEach(async () => {
  await page.context().close();
  expect(complaints).toEqual([]);
});

/** A phone or laptop with a fingerprint reader, in whose place somebody says who is there. */
class Device {
  private constructor(
    private readonly session: CDPSession,
    private readonly authenticatorId: string,
  ) {}

  static async of(visiting: Page): Promise<Device> {
    const session = await visiting.context().newCDPSession(visiting);
    await session.send("WebAuthn.enable", { enableUI: false });
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        // What is offered for filling in would be chosen at once.
        automaticPresenceSimulation: false,
      },
    });
    return new Device(session, authenticatorId);
  }

  /** Whether somebody agrees to what is asked. */
  async agrees(enabled: boolean): Promise<void> {
    const { authenticatorId } = this;
    await this.session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  }

  /** Whether that is who owns the device. */
  async knows(isUserVerified: boolean): Promise<void> {
    const { authenticatorId } = this;
    await this.session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
  }

  async passkeys() {
    const { authenticatorId } = this;
    return (await this.session.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  }

  /** Has one again that it was told to drop: as a device that wasn't on then. */
  async keep(credential: Awaited<ReturnType<Device["passkeys"]>>[number]): Promise<void> {
    const { authenticatorId } = this;
    await this.session.send("WebAuthn.addCredential", { authenticatorId, credential });
  }
}

async function visitor(locale = "en-GB"): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 860 }, locale });
  const visiting = await context.newPage();
  visiting.setDefaultTimeout(Number(process.env.PATIENCE_MS ?? 30_000));
  visiting.on("pageerror", (error) => complaints.push(error.message));
  return visiting;
}

const button = (name: string) => page.getByRole("button", { name, exact: true });
const alert = (text: string) => page.getByRole("alert").filter({ hasText: text });
const panel = () => page.getByRole("tabpanel");
const byPasskey = () => button("Sign in with a passkey");

/** Somebody new, signed in by a link. */
async function comes(name: string): Promise<void> {
  const link = server.command("user", "add", name, ...ORG, "--name", `${name} Example`);
  await page.goto(`${site.url}#sign-in=${/code=([^&\s]+)/.exec(link)?.[1]}`);
  await page.locator(".shell").waitFor();
}

async function openAccount(): Promise<void> {
  await page.locator(".my-button").click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  await page.getByRole("tab", { name: "Account" }).click();
}

async function addPasskey(name: string, password = ""): Promise<void> {
  await button("Add a passkey").click();
  await page.getByLabel("Name of the passkey").fill(name);
  await page.locator(".settings-section input[name=current]").fill(password);
  await button("Create passkey").click();
}

/** From the next load on: a browser that offers nothing while one fills in, so that only the button asks. */
async function onlyTheButton(): Promise<void> {
  await page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
}

async function signOut(): Promise<void> {
  await page.locator(".my-button").click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await byPasskey().waitFor();
}

describe("a passkey", () => {
  test("is added in the settings, signs in, and is refused once it is removed", async () => {
    await onlyTheButton();
    await comes("ada");
    await openAccount();
    await panel().getByText("You have no passkeys yet").waitFor();
    await device.agrees(true);
    await button("Add a passkey").click();
    expect(await page.getByLabel("Name of the passkey").inputValue()).toBe("Chrome, Linux");
    await page.getByLabel("Name of the passkey").fill("My laptop");
    await page.keyboard.press("Enter");
    await panel().getByText("It is added").waitFor();
    await panel().locator(".passkey", { hasText: "My laptop" }).getByText("not used yet").waitFor();
    const [made] = await device.passkeys();
    expect(made).toMatchObject({ rpId: "localhost", isResidentCredential: true, userName: "ada" });
    await page.keyboard.press("Escape");

    await device.agrees(false);
    await signOut();
    await device.agrees(true);
    await byPasskey().click();
    await page.locator(".my-button", { hasText: "ada Example" }).waitFor();
    await openAccount();
    await panel().locator(".login", { hasText: "This device" }).getByText("with a passkey").waitFor();
    const row = panel().locator(".passkey", { hasText: "My laptop" });
    await row.waitFor();
    await row.getByText("not used yet").waitFor({ state: "detached" });

    await button("Remove My laptop").click();
    await panel().getByText("Remove “My laptop”?").waitFor();
    await button("Cancel").click();
    await button("Remove My laptop").click();
    await button("Remove").click();
    await panel().getByText("You have no passkeys yet").waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => device.passkeys()).toEqual([]);

    await device.agrees(false);
    if (made) await device.keep(made);
    await signOut();
    await device.agrees(true);
    await byPasskey().click();
    await alert("This passkey isn’t known here").waitFor();
  });

  test("is offered where the browser fills in the handle", async () => {
    await comes("ben");
    await openAccount();
    await device.agrees(true);
    await addPasskey("My phone");
    await panel().getByText("It is added").waitFor();
    await page.keyboard.press("Escape");
    await device.agrees(false);
    await signOut();
    expect(await page.locator("input[name=username]").getAttribute("autocomplete")).toBe("username webauthn");
    // Whoever is there chooses what is offered, without a button.
    await device.agrees(true);
    await page.reload();
    await page.locator(".my-button", { hasText: "ben Example" }).waitFor();
  });

  test("is one for each device", async () => {
    await comes("cyd");
    await openAccount();
    await device.agrees(true);
    await addPasskey("One");
    await panel().getByText("It is added").waitFor();
    await addPasskey("Two");
    await alert("has a passkey for your account already").waitFor();
    await button("Cancel").click();
    expect(await panel().locator(".passkey").count()).toBe(1);
  });

  test("isn't made or used where the device doesn't know who is there, and that is told", async () => {
    await onlyTheButton();
    await comes("dan");
    await openAccount();
    await device.agrees(true);
    await device.knows(false);
    await addPasskey("Mine");
    await alert("No passkey was added").waitFor();
    await device.knows(true);
    await button("Create passkey").click();
    await panel().getByText("It is added").waitFor();
    await page.keyboard.press("Escape");
    await device.agrees(false);
    await signOut();
    await device.knows(false);
    await device.agrees(true);
    await byPasskey().click();
    await alert("No passkey was used").waitFor();
    await device.knows(true);
    await byPasskey().click();
    await page.locator(".my-button", { hasText: "dan Example" }).waitFor();
  });

  test("of whoever doesn't know the password isn't kept, by the device either", async () => {
    await comes("eva");
    await openAccount();
    await page.getByLabel("New password").fill(PASSWORD);
    await button("Set password").click();
    await page.getByText("You are signed out everywhere else").waitFor();
    await page.keyboard.press("Escape");
    await signOut();
    await page.getByLabel("Organization").fill("example");
    await page.getByLabel("Handle").fill("eva");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.locator(".shell").waitFor();
    await openAccount();
    await device.agrees(true);
    await addPasskey("Mine", "wrong");
    await alert("isn’t right").waitFor();
    await expect.poll(() => device.passkeys()).toEqual([]);
    await page.locator(".settings-section input[name=current]").fill(PASSWORD);
    await button("Create passkey").click();
    await panel().getByText("It is added").waitFor();
    expect(await device.passkeys()).toHaveLength(1);
  });

  test("isn't offered in a browser without them", async () => {
    await page.addInitScript(() => {
      Reflect.deleteProperty(globalThis, "PublicKeyCredential");
    });
    await page.goto(site.url);
    expect(await page.locator("input[name=username]").getAttribute("autocomplete")).toBe("username");
    expect(await byPasskey().count()).toBe(0);
    await comes("fay");
    await openAccount();
    await panel().getByText("This browser has no passkeys").waitFor();
  });
});

describe("axe finds nothing", () => {
  for (const scheme of ["light", "dark"] as const) {
    test(`about passkeys, ${scheme}`, async () => {
      const look = async (view: string) => expect(await new AxeBuilder(page).findings(view)).toEqual([]);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await onlyTheButton();
      await comes(`gil-${scheme}`);
      await openAccount();
      await device.agrees(true);
      await button("Add a passkey").click();
      await look("adding");
      await button("Create passkey").click();
      await panel().getByText("It is added").waitFor();
      await look("list");
      await button("Remove Chrome, Linux").click();
      await look("removing");
      await page.keyboard.press("Escape");
      await device.agrees(false);
      await signOut();
      await look("sign-in");
      await device.knows(false);
      await device.agrees(true);
      await byPasskey().click();
      await alert("No passkey was used").waitFor();
      await look("refused");
    });
  }
});
