/** What the organization's log says, in words. */

import type { AuditEntry, DirectoryChange } from "@parlour/client/admin";
import {
  AccountAction,
  HoldState,
  hexOf,
  idOf,
  ReportDecision,
  type SessionsRevoked,
  WebhookAction,
} from "@parlour/client/proto";
import { numberOf, spanOf } from "../format.ts";
import type { AdminKey, AdminTranslate } from "../text.ts";

/** What it is about, to narrow the list by. */
export type Topic = "directory" | "accounts" | "moderation" | "other";

const TOPICS: Partial<Record<AuditEntry["body"]["case"], Topic>> = {
  directoryChanged: "directory",
  accountsChanged: "accounts",
  reportDecided: "moderation",
  filterChanged: "moderation",
};

/** What an entry is about. */
export function topicOf({ body }: AuditEntry): Topic {
  return TOPICS[body.case] ?? "other";
}

/** A change of the directory. */
export function changeWords(change: DirectoryChange, t: AdminTranslate): string {
  const nodeName = (key: string) => key || t("change.root");
  switch (change.type) {
    case "node":
      return withDetails(t("change.node", { key: nodeName(change.key) }), nodeDetails(change, t));
    case "user":
      return userWords(change, t);
    case "member": {
      const { subject, node, role } = change;
      return t("change.member", { subject, node: nodeName(node), role: role || "member" });
    }
    case "no-member":
      return t("change.no-member", { subject: change.subject, node: nodeName(change.node) });
    case "overrides":
      return t("change.overrides", { n: change.overrides.length, node: nodeName(change.node) });
    case "hand-over":
      return t("change.hand-over", { from: change.from, to: change.to });
  }
}

function withDetails(what: string, details: readonly string[]): string {
  return details.length > 0 ? `${what}: ${details.join(", ")}` : what;
}

function nodeDetails(change: Extract<DirectoryChange, { type: "node" }>, t: AdminTranslate): string[] {
  const { kind, name, parent, topic, isPrivate, isArchived } = change;
  const details: string[] = [];
  if (kind && kind !== "unknown") details.push(t(`kind.${kind}`));
  if (name !== undefined) details.push(t("change.name", { name }));
  if (parent !== undefined) details.push(t("change.parent", { parent: parent || t("change.root") }));
  if (topic !== undefined) details.push(topic ? t("change.topic", { topic }) : t("change.no-topic"));
  if (isPrivate !== undefined) details.push(t(isPrivate ? "change.private" : "change.public"));
  if (isArchived !== undefined) details.push(t(isArchived ? "change.archived" : "change.unarchived"));
  return details;
}

/** Who comes with a token for the first time is put into the directory as they are. */
function userWords(change: Extract<DirectoryChange, { type: "user" }>, t: AdminTranslate): string {
  const details = userDetails(change, t);
  const { subject } = change;
  return details.length > 0
    ? withDetails(t("change.user", { subject }), details)
    : t("change.came", { subject });
}

function userDetails(change: Extract<DirectoryChange, { type: "user" }>, t: AdminTranslate): string[] {
  const { role, profile, isDeactivated } = change;
  const details: string[] = [];
  if (role !== undefined) details.push(t("change.role", { role }));
  if (profile?.name) details.push(t("change.name", { name: profile.name }));
  else if (profile) details.push(t("change.profile"));
  if (isDeactivated !== undefined)
    details.push(t(isDeactivated ? "change.deactivated" : "change.reactivated"));
  return details;
}

const ACTIONS: Record<number, AdminKey> = {
  [AccountAction.LINK_CREATED]: "event.link",
  [AccountAction.SCOPES_SET]: "event.scopes",
  [AccountAction.LOGINS_ENDED]: "event.logins-ended",
  [AccountAction.PASSWORD_REMOVED]: "event.password-removed",
  [AccountAction.INVITE_CREATED]: "event.invite",
  [AccountAction.INVITE_REVOKED]: "event.invite-revoked",
  [AccountAction.KNOCKED]: "event.knocked",
  [AccountAction.DECLINED]: "event.declined",
  [AccountAction.SERVICE_CREATED]: "event.service",
  [AccountAction.KEY_CREATED]: "event.key",
  [AccountAction.KEY_REVOKED]: "event.key-revoked",
};

const WEBHOOKS: Record<number, AdminKey> = {
  [WebhookAction.CREATED]: "event.webhook-created",
  [WebhookAction.REVOKED]: "event.webhook-revoked",
  [WebhookAction.RESUMED]: "event.webhook-resumed",
  [WebhookAction.STOPPED]: "event.webhook-stopped",
};

/** An entry, in one line for each thing that was done. */
export function entryWords({ body, changes }: AuditEntry, t: AdminTranslate): string[] {
  switch (body.case) {
    case "directoryChanged":
      return changes.length > 0 ? changes.map((change) => changeWords(change, t)) : [t("event.unknown")];
    case "accountsChanged": {
      const { action, subject, scopes, invite } = body.value;
      const values = { subject, scopes: scopes.join(" ") || t("event.no-scopes"), invite: shortId(invite) };
      return [t(ACTIONS[action] ?? "event.unknown", values)];
    }
    case "webhooksChanged": {
      const { action, webhook } = body.value;
      return [t(WEBHOOKS[action] ?? "event.unknown", { url: webhook?.url ?? "" })];
    }
    case "emojiChanged":
      return [
        t(body.value.removed ? "event.emoji-removed" : "event.emoji", { name: `:${body.value.name}:` }),
      ];
    case "retentionChanged": {
      const age = body.value.rule?.maxAgeS;
      const key = body.value.room.length > 0 ? "event.retention-room" : "event.retention";
      return [t(key, { age: age ? spanOf(age) : t("event.for-ever") })];
    }
    case "legalHoldChanged": {
      const { state, reason } = body.value;
      return [t(state === HoldState.HELD ? "event.hold" : "event.hold-ended", { reason })];
    }
    case "userErased":
      return [t("event.erased", { user: idOf(body.value.user) ?? "" })];
    case "quotasChanged": {
      const set = Object.entries(body.value.quotas ?? {}).flatMap(([name, most]) =>
        most === undefined ? [] : `${name} ${most === 0 ? "∞" : numberOf(most)}`,
      );
      return [t("event.quotas", { quotas: set.join(", ") || t("event.no-quotas") })];
    }
    case "reportDecided":
      return [
        t(body.value.decision === ReportDecision.DELETED ? "event.report-deleted" : "event.report-dismissed"),
      ];
    case "sessionsRevoked":
      return [revoked(body.value, t)];
    case "dataExported": {
      const { subject } = body.value;
      return [subject ? t("event.exported", { subject }) : t("event.exported-all")];
    }
    case "filterChanged":
      return [t("event.filter", { n: body.value.words })];
    default:
      return [t("event.unknown")];
  }
}

function revoked({ subject, session, tokenId }: SessionsRevoked, t: AdminTranslate): string {
  if (subject) return t("event.revoked", { subject });
  if (tokenId) return t("event.revoked-token", { token: tokenId });
  return t("event.revoked-session", { session: shortId(session) });
}

/** The end of an id, which is enough to tell a few apart. */
function shortId(field: Uint8Array): string {
  return hexOf(field).slice(-6);
}
