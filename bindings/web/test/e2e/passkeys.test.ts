// Passkeys at a real server: made, signed in with, removed.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import WebSocket from "ws";
import { Client } from "../../src/index.js";
import { TestStore } from "../../src/sign-in/testing.js";
import { Account, askForPasskey, Login, offered, Passkeys, SignIn } from "../../src/sign-in.js";
import { addUser } from "./accounts.js";
import { Authenticator } from "./authenticator.js";
import { ACCOUNTS, TestServer } from "./server.js";

const PASSWORD = "correct horse battery";
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start("127.0.0.1", ACCOUNTS);
  addUser(server, "root", "--admin");
});

afterAll(() => server?.stop());

afterEach(() => vi.unstubAllGlobals());

function open(): Promise<Login> {
  return Login.open({ url: server.url, store: new TestStore(), webSocket: WebSocket });
}

async function signedIn(how: SignIn): Promise<Client> {
  const login = await open();
  await login.signIn(how);
  return Client.connect({ url: server.url, token: login, webSocket: WebSocket });
}

async function member(name: string) {
  const client = await signedIn(SignIn.code(addUser(server, name)));
  return { client, passkeys: new Passkeys(client), credentials: new Authenticator(server.url) };
}

describe("a passkey", () => {
  it("is made, listed, signed in with, and refused once it is removed", async () => {
    expect(await offered(server.url)).toMatchObject({ accounts: true, passkeys: true });
    const { client, passkeys, credentials } = await member("ada");
    const before = Date.now();
    const added = await passkeys.add({ name: "My laptop", subject: "ada" }, { credentials });
    expect(added).toMatchObject({ name: "My laptop", usedMs: undefined, model: undefined, isSynced: false });
    expect(added.id).toMatch(/^[0-9a-f]{64}$/);
    expect(Math.abs(added.createdMs - before)).toBeLessThan(60_000);
    expect(credentials.passkeys).toMatchObject([{ host: "localhost", name: "ada" }]);

    const login = await open();
    await login.signIn(await askForPasskey(login, { credentials }));
    expect(login.user).toEqual({ subject: "ada", organization: "example" });
    const there = await Client.connect({ url: server.url, token: login, webSocket: WebSocket });
    const places = await new Account(there, login).logins();
    expect(places.find(({ isCurrent }) => isCurrent)?.method).toBe("passkey");
    const [listed] = await passkeys.list();
    expect(listed).toMatchObject({ id: added.id, name: "My laptop" });
    expect(listed?.usedMs).toBeGreaterThanOrEqual(added.createdMs);

    await passkeys.remove(added.id);
    await passkeys.remove(added.id);
    expect(await passkeys.list()).toEqual([]);
    const after = await open();
    const refused = after.signIn(await askForPasskey(after, { credentials }));
    await expect(refused).rejects.toMatchObject({ kind: "refused", reason: "SIGN_IN_REFUSED" });
    // What was signed in with it stays.
    expect((await new Account(there, login).logins()).length).toBe(2);
    await Promise.all([client.disconnect(), there.disconnect()]);
  });

  it("answers one question once", async () => {
    const { client, passkeys, credentials } = await member("ben");
    await passkeys.add({ name: "", subject: "ben" }, { credentials });
    const answer = await askForPasskey(await open(), { credentials });
    await (await open()).signIn(answer);
    const again = (await open()).signIn(answer);
    await expect(again).rejects.toMatchObject({ reason: "SIGN_IN_REFUSED" });
    await client.disconnect();
  });

  it("is one for each device of an account", async () => {
    const { client, passkeys, credentials } = await member("cleo");
    await passkeys.add({ name: "here", subject: "cleo" }, { credentials });
    const again = passkeys.add({ name: "again", subject: "cleo" }, { credentials });
    await expect(again).rejects.toMatchObject({ kind: "passkey-exists" });
    const phone = new Authenticator(server.url);
    await passkeys.add({ name: "phone", subject: "cleo" }, { credentials: phone });
    expect((await passkeys.list()).map(({ name }) => name)).toEqual(["here", "phone"]);
    await client.disconnect();
  });

  it("is added by whoever knows the password", async () => {
    const { client, credentials } = await member("dora");
    await new Account(client).setPassword("", PASSWORD);
    await client.disconnect();
    const there = await signedIn(SignIn.password("example", "dora", PASSWORD));
    const passkeys = new Passkeys(there);
    const wrong = passkeys.add({ name: "", subject: "dora", password: "wrong" }, { credentials });
    await expect(wrong).rejects.toMatchObject({ reason: "WRONG_PASSWORD" });
    expect(await passkeys.list()).toEqual([]);
    await passkeys.add({ name: "", subject: "dora", password: PASSWORD }, { credentials });
    expect(await passkeys.list()).toHaveLength(1);
    const long = passkeys.add(
      { name: "a".repeat(101), subject: "dora", password: PASSWORD },
      { credentials: new Authenticator(server.url) },
    );
    await expect(long).rejects.toMatchObject({ reason: "INVALID_FIELD" });
    await there.disconnect();
  });

  it("that is no longer good isn't offered by browsers that can be told", async () => {
    const { client, passkeys, credentials } = await member("finn");
    const heard: unknown[] = [];
    const hear = async (told: unknown) => void heard.push(told);
    vi.stubGlobal("PublicKeyCredential", {
      signalUnknownCredential: hear,
      signalAllAcceptedCredentials: hear,
    });
    const refused = passkeys.add({ name: "a".repeat(101), subject: "finn" }, { credentials });
    await expect(refused).rejects.toMatchObject({ reason: "INVALID_FIELD" });
    const text = (bytes?: Uint8Array) => Buffer.from(bytes ?? []).toString("base64url");
    expect(heard).toEqual([{ rpId: "localhost", credentialId: text(credentials.passkeys[0]?.id) }]);

    const phone = new Authenticator(server.url);
    const { id } = await passkeys.add({ name: "here", subject: "finn" }, { credentials });
    await passkeys.add({ name: "phone", subject: "finn" }, { credentials: phone });
    await passkeys.remove(id);
    const [kept] = phone.passkeys;
    const userId = text(kept?.user);
    expect(heard.slice(1)).toEqual([
      { rpId: "localhost", userId, allAcceptedCredentialIds: [text(kept?.id)] },
    ]);
    await client.disconnect();
  });

  it("of a page elsewhere counts nowhere", async () => {
    const { client, passkeys } = await member("emma");
    const elsewhere = new Authenticator("https://chat.example.com");
    const added = passkeys.add({ name: "", subject: "emma" }, { credentials: elsewhere });
    await expect(added).rejects.toMatchObject({ kind: "passkey-elsewhere" });
    // A page of another host that could ask all the same.
    const posing = new Authenticator("https://evil.localhost");
    const posed = passkeys.add({ name: "", subject: "emma" }, { credentials: posing });
    await expect(posed).rejects.toMatchObject({ reason: "INVALID_FIELD" });
    await client.disconnect();
  });
});

describe("a server without passkeys", () => {
  it("says so", async () => {
    const other = await TestServer.start("127.0.0.1", `${ACCOUNTS}passkeys = false\n`);
    try {
      expect(await offered(other.url)).toMatchObject({ accounts: true, passkeys: false });
      const login = await Login.open({ url: other.url, store: new TestStore(), webSocket: WebSocket });
      const credentials = new Authenticator(other.url);
      await expect(askForPasskey(login, { credentials })).rejects.toMatchObject({
        reason: "PASSKEYS_DISABLED",
      });
    } finally {
      await other.stop();
    }
  });
});
