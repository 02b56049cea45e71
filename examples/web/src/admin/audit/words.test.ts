import type { AuditEntry, DirectoryChange } from "@parlour/client/admin";
import { AccountAction } from "@parlour/client/proto";
import { expect, test } from "vitest";
import { type Language, translator } from "../../i18n/text.ts";
import { type AdminKey, en } from "../texts/en.ts";
import { changeWords, entryWords, topicOf } from "./words.ts";

const ENGLISH: Language = { tag: "en", name: "English", dir: "ltr" };
const t = translator<AdminKey>(ENGLISH, en);

function entry(body: AuditEntry["body"], changes: readonly DirectoryChange[] = []): AuditEntry {
  return { seq: 1, atMs: 0, sender: undefined, actor: "ada", changes, body };
}

test("a change of the directory says what it says and no more", () => {
  const words = (change: DirectoryChange) => changeWords(change, t);
  expect(words({ type: "node", key: "eng", kind: "team", name: "Engineering", parent: "" })).toBe(
    "eng: team, name “Engineering”, below the organization",
  );
  expect(words({ type: "node", key: "", topic: "" })).toBe("the organization: no topic");
  expect(words({ type: "node", key: "eng", isArchived: true })).toBe("eng: archived");
  expect(words({ type: "user", subject: "ben", isDeactivated: true })).toBe("ben: deactivated");
  expect(words({ type: "user", subject: "ben" })).toBe("ben came into the directory");
  expect(words({ type: "member", subject: "ben", node: "eng" })).toBe("ben in eng as member");
  expect(words({ type: "hand-over", from: "ben", to: "cyd" })).toBe("What ben owns goes to cyd");
});

test("an entry has a line for each thing, and one that isn't known says so", () => {
  const changes: DirectoryChange[] = [
    { type: "no-member", subject: "ben", node: "eng" },
    { type: "no-member", subject: "cyd", node: "eng" },
  ];
  const directory = entry({ case: "directoryChanged", value: { actor: "ada", changes: [] } }, changes);
  expect(entryWords(directory, t)).toEqual(["ben out of eng", "cyd out of eng"]);
  expect(topicOf(directory)).toBe("directory");
  const account = {
    actor: "ada",
    subject: "ben",
    invite: new Uint8Array(0),
    key: new Uint8Array(0),
    scopes: [],
  };
  const link = entry({ case: "accountsChanged", value: { ...account, action: AccountAction.LINK_CREATED } });
  expect(entryWords(link, t)).toEqual(["Sign-in link for ben"]);
  expect(entryWords(entry({ case: "unknown", value: new Uint8Array(0) }), t)).toHaveLength(1);
  const quotas = { actor: "ada", quotas: { users: 50, devices: 0 } };
  expect(entryWords(entry({ case: "quotasChanged", value: quotas }), t)).toEqual([
    "Quotas: users 50, devices ∞",
  ]);
  const revoked = { actor: "ada", subject: "ben", session: new Uint8Array(0), tokenId: "" };
  expect(entryWords(entry({ case: "sessionsRevoked", value: revoked }), t)).toEqual([
    "All sessions of ben ended",
  ]);
  const session = { ...revoked, subject: "", session: new Uint8Array([0x12, 0xab, 0xcd, 0xef]) };
  expect(entryWords(entry({ case: "sessionsRevoked", value: session }), t)).toEqual([
    "Session …abcdef ended",
  ]);
  const exported = { actor: "operator", subject: "" };
  expect(entryWords(entry({ case: "dataExported", value: exported }), t)).toEqual([
    "The organization exported",
  ]);
});
