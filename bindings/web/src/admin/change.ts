/** Changes of an organization's directory, as they are asked for and as its log has them. */

import { type Override, overrideOf, wireOf } from "../client/access.js";
import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import type { Init } from "../codec/message.js";
import {
  type Change,
  NodeKind,
  Outcome,
  type PutNode,
  type PutUser,
} from "../generated/directory/v1/directory.js";
import { ChangeDirectory } from "../generated/rpc.js";
import type { Profile } from "../generated/user/v1/user.js";

/** The kinds of nodes; `unknown` for one of a later version. */
export type NodeKindName = "organization" | "department" | "team" | "project" | "task" | "unknown";

/**
 * One change. It says how something should be, so that the same change does nothing the second time; what it doesn't
 * say stays as it is.
 */
export type DirectoryChange =
  /** Creates a node, or changes it; the key of the organization itself is empty. */
  | {
      readonly type: "node";
      /** 1 to 64 of `a-z 0-9 . _ - /`, for ever. */
      readonly key: string;
      /** Needed to create it; can't be changed. */
      readonly kind?: NodeKindName | undefined;
      /** The key of the node above it; another one than before moves it with all below it. */
      readonly parent?: string | undefined;
      /** 1 to 200 bytes; needed to create it. */
      readonly name?: string | undefined;
      readonly topic?: string | undefined;
      readonly isPrivate?: boolean | undefined;
      readonly isArchived?: boolean | undefined;
    }
  /** Creates a user, or changes one. */
  | {
      readonly type: "user";
      readonly subject: string;
      /** In the organization: `owner`, `admin`, `member` or `guest`. */
      readonly role?: string | undefined;
      readonly profile?: Init<Profile> | undefined;
      readonly isDeactivated?: boolean | undefined;
    }
  /** Puts a user into a node, or gives them another role there; `member` where none is said. */
  | { readonly type: "member"; readonly node: string; readonly subject: string; readonly role?: string }
  /** Takes a user out of a node. */
  | { readonly type: "no-member"; readonly node: string; readonly subject: string }
  /** Replaces what a node says of permissions. */
  | { readonly type: "overrides"; readonly node: string; readonly overrides: readonly Override[] }
  /** Hands over groups that somebody owns, and their place as the creator of tasks. */
  | { readonly type: "hand-over"; readonly from: string; readonly to: string };

/** What became of a change; `none`: it was so already. */
export type ChangeOutcome = "none" | "created" | "changed" | "removed" | "unknown";

/** How changes are made. */
export interface ChangeOptions extends CallOptions {
  /** Only say what would be done. */
  dryRun?: boolean | undefined;
}

const KINDS: Record<Exclude<NodeKindName, "unknown">, number> = {
  organization: NodeKind.ORGANIZATION,
  department: NodeKind.DEPARTMENT,
  team: NodeKind.TEAM,
  project: NodeKind.PROJECT,
  task: NodeKind.TASK,
};

const OUTCOMES: Record<number, ChangeOutcome> = {
  [Outcome.NONE]: "none",
  [Outcome.CREATED]: "created",
  [Outcome.CHANGED]: "changed",
  [Outcome.REMOVED]: "removed",
};

/**
 * Changes the directory: all of it or nothing, at most 1,000 changes, in this order. Answers what each one did, or with
 * `dryRun` would do. Scope `admin:directory`. Fails with `INVALID_FIELD`, whose `violations` say which change is wrong
 * and why, with `NODE_NOT_FOUND`, `USER_NOT_FOUND` and `NOT_ALLOWED`.
 */
export async function changeDirectory(
  client: Client,
  changes: readonly DirectoryChange[],
  { dryRun = false, ...options }: ChangeOptions = {},
): Promise<ChangeOutcome[]> {
  const request = { changes: changes.map(changeToWire), dryRun };
  const { outcomes } = await client.call(ChangeDirectory, request, options);
  return outcomes.map((outcome) => OUTCOMES[outcome] ?? "unknown");
}

/** @internal */
export function kindName(kind: number): NodeKindName {
  const names = Object.keys(KINDS) as (keyof typeof KINDS)[];
  return names.find((name) => KINDS[name] === kind) ?? "unknown";
}

function changeToWire(change: DirectoryChange): Init<Change> {
  switch (change.type) {
    case "node":
      return { change: { case: "putNode", value: nodeToWire(change) } };
    case "user": {
      const { subject, role, profile, isDeactivated: deactivated } = change;
      return { change: { case: "putUser", value: { subject, role, profile, deactivated } } };
    }
    case "member": {
      const { node, subject, role = "" } = change;
      return { change: { case: "putMembership", value: { node, subject, role } } };
    }
    case "no-member":
      return { change: { case: "endMembership", value: { node: change.node, subject: change.subject } } };
    case "overrides": {
      const { node, overrides } = change;
      return { change: { case: "putOverrides", value: { node, overrides: overrides.map(wireOf) } } };
    }
    case "hand-over":
      return { change: { case: "handOver", value: { from: change.from, to: change.to } } };
  }
}

function nodeToWire(change: Extract<DirectoryChange, { type: "node" }>): Init<PutNode> {
  const { key, kind, parent, name, topic, isPrivate, isArchived } = change;
  const known = kind === undefined || kind === "unknown" ? NodeKind.UNSPECIFIED : KINDS[kind];
  return { key, kind: known, parent, name, topic, private: isPrivate, archived: isArchived };
}

/** @internal A change of the log; absent for one of a later version. */
export function changeOf({ change }: Change): DirectoryChange | undefined {
  switch (change?.case) {
    case "putNode":
      return nodeOf(change.value);
    case "putUser":
      return userOf(change.value);
    case "putMembership":
      return { type: "member", ...change.value };
    case "endMembership":
      return { type: "no-member", ...change.value };
    case "putOverrides": {
      const overrides = change.value.overrides.flatMap((wire) => overrideOf(wire) ?? []);
      return { type: "overrides", node: change.value.node, overrides };
    }
    case "handOver":
      return { type: "hand-over", ...change.value };
    default:
      return undefined;
  }
}

function nodeOf(put: PutNode): DirectoryChange {
  const { key, parent, name, topic, private: isPrivate, archived: isArchived } = put;
  const kind = put.kind === NodeKind.UNSPECIFIED ? undefined : kindName(put.kind);
  return { type: "node", key, kind, parent, name, topic, isPrivate, isArchived };
}

function userOf({ subject, role, profile, deactivated: isDeactivated }: PutUser): DirectoryChange {
  return { type: "user", subject, role, profile, isDeactivated };
}
