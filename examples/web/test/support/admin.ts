/** An organization with something to look after: accounts, invites with people who knock, reports, programs. */

import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type SocketConstructor } from "@parlour/client";
import * as admin from "@parlour/client/admin";
import { fieldOf } from "@parlour/client/proto";
import * as rpc from "@parlour/client/rpc";
import { Login, type LoginStore, SignIn } from "@parlour/client/sign-in";
import WebSocket from "ws";
import { TestServer } from "./server.ts";
import { DIRECTORY, PEOPLE } from "./story.ts";

const webSocket = WebSocket as unknown as SocketConstructor;
const ORGANIZATION = "meridian";
/** What the metrics' file says. */
export const METRICS_TOKEN = "for whoever runs the server";

/** A place for a login that isn't kept. */
class Nowhere implements LoginStore {
  private text: string | undefined;

  async load(): Promise<string | undefined> {
    return this.text;
  }

  async save(text: string): Promise<void> {
    this.text = text;
  }

  async remove(): Promise<void> {
    this.text = undefined;
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
}

/** A server that keeps accounts and shows its metrics to whoever has the token. */
export async function startWithAccounts(): Promise<TestServer> {
  const file = join(tmpdir(), `parlour-metrics-${process.pid}`);
  writeFileSync(file, METRICS_TOKEN);
  process.once("exit", () => rmSync(file, { force: true }));
  return TestServer.start(`[accounts]\nenabled = true\n[metrics]\ntoken_file = ${JSON.stringify(file)}\n`);
}

/** A token with scopes. */
export function tokenWith(server: TestServer, subject: string, scopes: readonly string[]): string {
  const who = ["--sub", subject, "--org", ORGANIZATION, "--ttl", "20d"];
  return server.command("token", ...who, "--scope", scopes.join(" "));
}

/** Somebody's client with such a token. */
export function connectWith(
  server: TestServer,
  subject: string,
  scopes: readonly string[] = [],
): Promise<Client> {
  return Client.connect({ url: server.url, token: tokenWith(server, subject, scopes), webSocket });
}

/** Signs somebody in, or knocks. */
export async function signIn(server: TestServer, how: SignIn, agent = "parlour-web"): Promise<Login> {
  const login = await Login.open({ url: server.url, store: new Nowhere(), agent, webSocket });
  await login.signIn(how).catch(() => undefined);
  return login;
}

/** Makes all of it; answers the admin's client, which is left open. */
export async function seedForAdmins(server: TestServer): Promise<Client> {
  server.apply(DIRECTORY);
  const client = await connectWith(server, "mara", admin.ADMIN_SCOPES);
  const people = PEOPLE.map(({ subject, name }): admin.DirectoryChange => {
    const role = subject === "mara" ? "owner" : subject === "leo" ? "guest" : "member";
    return { type: "user", subject, role, profile: { name } };
  });
  await admin.changeDirectory(client, [
    ...people,
    { type: "user", subject: "tomas", role: "admin", profile: { title: "Firmware lead", handle: "tomas" } },
    { type: "user", subject: "hugo", profile: { name: "Hugo Almeida" }, isDeactivated: true },
    { type: "node", key: "attic", kind: "department", name: "Attic", isArchived: true },
    { type: "node", key: "board", kind: "team", name: "Board", topic: "Once a quarter", isPrivate: true },
    { type: "member", node: "board", subject: "mara", role: "lead" },
  ]);
  for (const subject of ["tomas", "yuki", "amina", "yuki"]) {
    const { code } = await admin.createSignInLink(client, subject);
    await signIn(server, SignIn.code(code));
  }
  await admin.setAccountScopes(client, "tomas", ["admin:audit", "admin:directory"]);
  const scopes = ["events:publish", "admin:usage"];
  await admin.createServiceAccount(client, { subject: "weather", name: "Weather feed", scopes });
  await admin.createKey(client, "weather", { name: "on the new machine", scopes: ["events:publish"] });
  await seedInvites(server, client);
  await seedReports(client, server);
  return client;
}

async function seedInvites(server: TestServer, client: Client): Promise<void> {
  const fair = { label: "The instrument fair", usesMax: 20, knock: true, nodes: ["engineering"] };
  const { code } = await admin.createInvite(client, fair);
  const notes = { ines: "We met at your stand in Lyon.", olek: "I build hygrometers, ask Yuki." };
  for (const [subject, note] of Object.entries(notes)) {
    const name = subject === "ines" ? "Inês Carvalho" : "Olek Nowak";
    await signIn(server, SignIn.invite(code, { subject, name, note }));
  }
  await admin.createInvite(client, { label: "New colleagues", usesMax: 5, validS: 2_592_000 });
  const { id } = await admin.createInvite(client, { label: "Sent to the wrong list", usesMax: 200 });
  if (id) await admin.revokeInvite(client, id);
}

async function seedReports(client: Client, server: TestServer): Promise<void> {
  const jonas = await connectWith(server, "jonas");
  const room = await jonas.createGroup("Marketplace", [{ subject: "mara" }, { subject: "priya" }]);
  const texts = ["Cheap barometers!!! Call 555-0142 today", "This is Priya's home address: 12 Rue des Lilas"];
  const seqs: number[] = [];
  for (const text of texts) seqs.push((await room.send(text)).seq);
  const priya = await connectWith(server, "priya");
  const report = (seq: number | undefined, reason: number, note: string) =>
    priya.call(rpc.ReportMessage, { room: fieldOf(room.id), seq: seq ?? 0, reason, note });
  await report(seqs[0], 1, "For the third time this week.");
  await report(seqs[1], 4, "Please take this away.");
  await admin.setRefusedWords(client, ["snake oil", "get rich*"]);
  for (const other of [jonas, priya]) await other.disconnect();
}
