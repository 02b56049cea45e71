// Signing in at a real server that keeps accounts.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { Client } from "../../src/index.js";
import { identity } from "../../src/people.js";
import { TestStore } from "../../src/sign-in/testing.js";
import { Account, Login, type LoginStore, SignIn } from "../../src/sign-in.js";
import { addUser, invite, linkFor } from "./accounts.js";
import { ACCOUNTS, TestServer, until } from "./server.js";

const PASSWORD = "correct horse battery";
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start("127.0.0.1", ACCOUNTS);
  addUser(server, "root", "--admin");
});

afterAll(() => server?.stop());

function open(store: LoginStore = new TestStore(), agent = "test"): Promise<Login> {
  return Login.open({ url: server.url, store, agent, webSocket: WebSocket });
}

async function clientOf(login: Login): Promise<Client> {
  return Client.connect({ url: server.url, token: login, webSocket: WebSocket });
}

describe("a sign-in", () => {
  it("is made with a link, once, and goes on at the next visit without it", async () => {
    const [code, store] = [addUser(server, "ada", "--name", "Ada Lovelace"), new TestStore()];
    const login = await open(store);
    await login.signIn(SignIn.code(code));
    expect(login.user).toEqual({ subject: "ada", organization: "example" });
    const other = await open();
    await expect(other.signIn(SignIn.code(code))).rejects.toMatchObject({ reason: "SIGN_IN_REFUSED" });
    const client = await clientOf(await open(store));
    const me = client.me as NonNullable<typeof client.me>;
    expect((await client.users([me])).get(me)?.name).toBe("Ada Lovelace");
    expect(identity(client).current).toMatchObject({ user: me, name: "Ada Lovelace", role: "member" });
    await client.disconnect();
  });

  it("has a password, lists where it is, ends others and itself", async () => {
    addUser(server, "ben");
    const store = new TestStore();
    const login = await open(store, "at home");
    await login.signIn(linkFor(server, "ben"));
    const client = await clientOf(login);
    const account = new Account(client, login);
    await account.setPassword("", PASSWORD);
    // Within a while after a link nobody is asked for the present one.
    await account.setPassword("wrong", PASSWORD);

    const away = await open(undefined, "away");
    await expect(away.signIn(SignIn.password("example", "ben", "wrong"))).rejects.toMatchObject({
      reason: "SIGN_IN_REFUSED",
    });
    await away.signIn(SignIn.password("example", "ben", PASSWORD));
    const there = await clientOf(away);
    await expect(new Account(there).setPassword("wrong", PASSWORD)).rejects.toMatchObject({
      reason: "WRONG_PASSWORD",
    });
    const places = await account.logins();
    expect(places.map(({ agent, method, isCurrent }) => [agent, method, isCurrent])).toEqual([
      ["away", "password", false],
      ["at home", "link", true],
    ]);
    expect(places[1]?.device).toBe(login.device);

    await account.endOtherLogins();
    const stopped = await until(
      () => there.state.current.type === "stopped" && there.state.current,
      "it is out",
    );
    expect(stopped.stop).toMatchObject({ why: "sign-in-refused", reason: "LOGIN_ENDED" });
    expect(away.isKept).toBe(false);
    await account.signOut();
    await until(() => client.state.current.type === "stopped", "it is signed out");
    expect([login.isKept, store.text]).toEqual([false, undefined]);
    await Promise.all([client.disconnect(), there.disconnect()]);
  });

  it("stops a client whose sign-in is refused, and lets it go on after another", async () => {
    addUser(server, "cleo");
    const login = await open();
    const refused = clientOf(login);
    await expect(refused).rejects.toMatchObject({ kind: "stopped", stop: { reason: "LOGIN_ENDED" } });
    await login.signIn(linkFor(server, "cleo"));
    const client = await clientOf(login);
    expect(client.state.current.type).toBe("live");
    await client.disconnect();
  });

  it("goes on with another token where one is revoked and its login isn't", async () => {
    addUser(server, "dora");
    const login = await open();
    await login.signIn(linkFor(server, "dora"));
    const client = await clientOf(login);
    const before = await login.token();
    server.command("user", "scopes", "dora", "--org", "example", "admin:audit");
    await until(() => client.state.current.type !== "live", "the token is revoked");
    await until(() => client.state.current.type === "live", "another one is taken");
    expect(await login.token()).not.toBe(before);
    await client.disconnect();
  });

  it("gets tokens one after the other while its connection goes on", async () => {
    addUser(server, "emma");
    const login = await open();
    await login.signIn(linkFor(server, "emma"));
    const client = await clientOf(login);
    for (let n = 0; n < 5; n++) expect(await login.token(true)).toBeTruthy();
    client.reconnect();
    expect((await new Account(client).logins()).length).toBe(1);
    await client.disconnect();
  });
});

describe("an invite", () => {
  it("makes an account of a name that nobody has", async () => {
    const code = invite(server, "--uses", "3");
    const login = await open();
    await expect(login.signIn(SignIn.invite(code, { subject: "root" }))).rejects.toMatchObject({
      reason: "SUBJECT_TAKEN",
    });
    await expect(login.signIn(SignIn.invite(code, { subject: "No!" }))).rejects.toMatchObject({
      reason: "INVALID_FIELD",
    });
    await login.signIn(SignIn.invite(code, { subject: "fay", name: "Fay" }));
    expect(login.user?.subject).toBe("fay");
  });

  it("is waited at over a reload until somebody opens", async () => {
    const code = invite(server, "--knock", "--label", "door");
    const store = new TestStore();
    const knocking = (await open(store)).signIn(SignIn.invite(code, { subject: "gus", note: "hi" }));
    const error = await knocking.catch((refused: unknown) => refused);
    expect(error).toMatchObject({ reason: "KNOCK_WAITING" });
    expect((error as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
    const again = await open(store);
    expect(again.isPending).toBe(true);
    const client = await Client.start({ url: server.url, token: again, webSocket: WebSocket });
    const offline = await until(
      () => client.state.current.type === "offline" && client.state.current,
      "the client waits, too",
    );
    expect(offline.after).toEqual({ why: "no-token", reason: "KNOCK_WAITING" });
    const letIn = again.untilLetIn();
    const listed = server.command("invite", "list", "--org", "example").split("\n");
    const [id = ""] = listed.find((line) => line.includes("door"))?.split(" ") ?? [];
    server.command("invite", "approve", id, "gus", "--org", "example");
    await letIn;
    client.reconnect();
    await until(() => client.state.current.type === "live", "the client is let in");
    await client.disconnect();
  });
});
