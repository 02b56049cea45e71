// What admins do, at a real server that keeps accounts.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import * as admin from "../../src/admin.js";
import { Client } from "../../src/index.js";
import { fieldOf } from "../../src/proto.js";
import * as rpc from "../../src/rpc.js";
import { TestStore } from "../../src/sign-in/testing.js";
import { Login, parseSignInLink, SignIn } from "../../src/sign-in.js";
import { ACCOUNTS, TestServer, until } from "./server.js";

const SCOPES = admin.ADMIN_SCOPES.join(" ");

let server: TestServer;
let ada: Client;
let ben: Client;

beforeAll(async () => {
  server = await TestServer.start("127.0.0.1", ACCOUNTS);
  server.command("user", "add", "ada", "--org", "acme", "--name", "Ada");
  ada = await Client.connect(server.options("ada", { token: server.token("ada", "12h", "--scope", SCOPES) }));
  ben = await server.connect("ben");
});

afterAll(async () => {
  await Promise.all([ada?.disconnect(), ben?.disconnect()]);
  await server?.stop();
});

async function everything<T>(first: admin.Page<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const items of admin.allOf(first)) all.push(...items);
  return all;
}

describe("what a token allows", () => {
  it("is read from it, and the server says so of what it doesn't allow", async () => {
    expect([...admin.tokenScopes(ada).current].sort()).toEqual([...admin.ADMIN_SCOPES]);
    expect(admin.tokenScopes(ben).current.size).toBe(0);
    await expect(admin.memberships(ben, "")).rejects.toMatchObject({ reason: "SCOPE_MISSING" });
  });
});

describe("the directory", () => {
  it("is changed all at once, after a look at what would happen", async () => {
    const changes: admin.DirectoryChange[] = [
      { type: "node", key: "eng", kind: "department", name: "Engineering" },
      { type: "node", key: "eng/web", kind: "team", name: "Web", parent: "eng", topic: "pages" },
      { type: "user", subject: "cyd", profile: { name: "Cyd" } },
      { type: "member", node: "eng/web", subject: "cyd", role: "lead" },
      { type: "member", node: "eng/web", subject: "ben" },
    ];
    const created = ["created", "created", "created", "created", "created"];
    expect(await admin.changeDirectory(ada, changes, { dryRun: true })).toEqual(created);
    expect((await admin.directory(ada)).map(({ key }) => key)).toEqual([""]);
    expect(await admin.changeDirectory(ada, changes)).toEqual(created);
    expect(await admin.changeDirectory(ada, changes)).toEqual(created.map(() => "none"));
    expect(await admin.directory(ada)).toMatchObject([
      { key: "", kind: "organization", depth: 0, parent: undefined },
      { key: "eng", kind: "department", depth: 1, parent: "" },
      { key: "eng/web", kind: "team", depth: 2, parent: "eng", topic: "pages", isArchived: false },
    ]);
    const members = await everything(await admin.memberships(ada, "eng/web"));
    const roles = members.map(({ user, role }) => [user.subject, role]).sort();
    expect(roles).toEqual([
      ["ben", "member"],
      ["cyd", "lead"],
    ]);
    const none: admin.DirectoryChange = { type: "no-member", node: "eng/web", subject: "ben" };
    expect(await admin.changeDirectory(ada, [none])).toEqual(["removed"]);
  });

  it("says which change is wrong", async () => {
    const wrong: admin.DirectoryChange = { type: "node", key: "No!", kind: "team", name: "No" };
    const refused = admin.changeDirectory(ada, [wrong], { dryRun: true });
    await expect(refused).rejects.toMatchObject({ reason: "INVALID_FIELD" });
    const missing = admin.memberships(ada, "nowhere");
    await expect(missing).rejects.toMatchObject({ reason: "NODE_NOT_FOUND" });
  });

  it("has everybody with their roles, those who are shut out, too", async () => {
    await admin.changeDirectory(ada, [{ type: "user", subject: "dan", role: "guest", isDeactivated: true }]);
    const people = await everything(await admin.memberships(ada, ""));
    expect(people.find(({ user }) => user.subject === "dan")).toMatchObject({
      role: "guest",
      user: { isDeactivated: true },
    });
  });
});

describe("the log", () => {
  it("tells the newest first, page by page", async () => {
    for (let at = 0; at < 60; at++)
      await admin.changeDirectory(ada, [{ type: "node", key: "eng", topic: `topic ${at}` }]);
    const page = await admin.audit(ada);
    expect(page.entries).toHaveLength(50);
    expect(page.entries[0]).toMatchObject({
      actor: "ada",
      sender: ada.me,
      changes: [{ type: "node", key: "eng", topic: "topic 59" }],
    });
    const seqs = page.entries.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => b - a));
    let oldest = page;
    while (oldest.older) oldest = await oldest.older();
    expect(oldest.entries.at(-1)).toMatchObject({ seq: 1, actor: "operator" });
  });
});

describe("accounts", () => {
  it("begin with a link, which a page reads", async () => {
    const link = await admin.createSignInLink(ada, "cyd", { validS: 600 });
    expect(link.isNew).toBe(true);
    const address = admin.pageLink({ page: `${server.url}/`, code: link.code });
    const login = await Login.open({ url: server.url, store: new TestStore(), webSocket: WebSocket });
    await login.signIn(SignIn.code(parseSignInLink(address).code));
    const cyd = await Client.connect({ url: server.url, token: login, webSocket: WebSocket });
    const of = async (subject: string) =>
      (await everything(await admin.accounts(ada))).find((account) => account.subject === subject);
    expect(await of("cyd")).toMatchObject({ logins: 1, scopes: [], hasPassword: false, user: cyd.me });
    await admin.setAccountScopes(ada, "cyd", ["admin:audit"]);
    expect((await of("cyd"))?.scopes).toEqual(["admin:audit"]);
    await until(() => admin.tokenScopes(cyd).current.has("admin:audit"), "its next token allows it");
    expect(await admin.endLogins(ada, "cyd", { removePassword: true })).toBe(1);
    await until(() => cyd.state.current.type === "stopped", "it is signed out");
    expect((await of("cyd"))?.logins).toBe(0);
    await cyd.disconnect();
    await expect(admin.createSignInLink(ada, "nobody")).rejects.toMatchObject({ reason: "USER_NOT_FOUND" });
  });

  it("come of invites, and of whoever is let in", async () => {
    const invite = { label: "the fair", nodes: ["eng"], usesMax: 2, knock: true };
    const { id, code } = await admin.createInvite(ada, invite);
    const login = await Login.open({ url: server.url, store: new TestStore(), webSocket: WebSocket });
    const account = { subject: "eve", name: "Eve", note: "we met" };
    await login.signIn(SignIn.invite(code, account)).catch(() => undefined);
    const [listed] = (await everything(await admin.invites(ada))).filter((one) => one.id === id);
    expect(listed).toMatchObject({ ...invite, isRevoked: false, used: 1 });
    expect(listed?.uses).toMatchObject([{ subject: "eve", name: "Eve", note: "we met", state: "waiting" }]);
    const waits = login.untilLetIn();
    await admin.decideKnock(ada, id as admin.InviteId, "eve", true);
    await waits;
    await admin.revokeInvite(ada, id as admin.InviteId);
    const after = (await everything(await admin.invites(ada))).find((one) => one.id === id);
    expect(after).toMatchObject({ isRevoked: true, uses: [{ state: "joined" }] });
  });

  it("are programs', with keys", async () => {
    const scopes = ["events:publish", "admin:audit"];
    await admin.createServiceAccount(ada, { subject: "deploy", name: "Deploy", scopes, nodes: ["eng"] });
    const made = await admin.createKey(ada, "deploy", {
      name: "first",
      scopes: ["admin:audit"],
      validS: 3600,
    });
    const program = await server.connect("deploy", { token: made.secret });
    expect((await admin.audit(program)).entries.length).toBeGreaterThan(0);
    expect(await admin.keys(ada, "deploy")).toMatchObject([
      { name: "first", creator: "ada", isRevoked: false, scopes: ["admin:audit"] },
    ]);
    const key = made.key?.id as admin.KeyId;
    expect(await admin.revokeKey(ada, "deploy", key)).toBe(1);
    expect((await admin.keys(ada, "deploy"))[0]?.isRevoked).toBe(true);
    await program.disconnect();
  });
});

describe("sessions, usage and reports", () => {
  it("are ended, counted and decided", async () => {
    const fay = await server.connect("fay");
    const [hers] = await everything(await admin.sessions(ada, { subject: "fay" }));
    expect(hers).toMatchObject({
      user: fay.me,
      agent: "parlour-web",
      carrier: "websocket",
    });
    const all = await everything(await admin.sessions(ada));
    expect(all.map(({ subject }) => subject).sort()).toEqual(expect.arrayContaining(["ada", "ben", "fay"]));
    const now = await admin.health(ada);
    expect(now).toMatchObject({ version: expect.stringMatching(/^\d+\./), state: "ready", providers: [] });
    expect(now.connections).toBeGreaterThanOrEqual(3);
    const { usage, quotas } = await admin.usage(ada);
    expect(usage.devices).toBeGreaterThanOrEqual(3);
    expect(quotas).toMatchObject({ users: expect.any(Number), devices: expect.any(Number) });
    await admin.setQuotas(ada, { groups: 5 });
    expect((await admin.usage(ada)).set).toEqual({ groups: 5 });
    expect(await admin.revoke(ada, { session: hers?.session ?? "" })).toBe(1);
    await until(() => fay.state.current.type === "stopped", "she is out");
    await fay.disconnect();

    const room = await ben.createGroup("talk", [{ subject: "ada" }]);
    const { seq } = await room.send("buy my things");
    await admin.setRefusedWords(ada, ["nonsense*"]);
    expect(await admin.refusedWords(ada)).toEqual(["nonsense*"]);
    await ada.call(rpc.ReportMessage, { room: fieldOf(room.id), seq, reason: 1, note: "ads" });
    const [report] = (await admin.reports(ada)).items;
    expect(report).toMatchObject({ room: room.id, seq, reason: "spam", text: "buy my things", note: "ads" });
    await admin.decideReport(ada, report?.id as admin.ReportId, "deleted");
    expect((await admin.reports(ada)).items).toEqual([]);
    expect((await admin.reports(ada, { isDecided: true })).items).toMatchObject([
      { decision: "deleted", decidedBy: "ada" },
    ]);
  });
});
