/** An organization's log: who changed what and when. Takes the scope `admin:audit`. */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import { decodeBody } from "../codec/bodies.js";
import type { AuditEntry as WireEntry } from "../generated/directory/v1/directory.js";
import { type OrganizationEventBody, organizationEvents } from "../generated/events.js";
import { ReadAudit } from "../generated/rpc.js";
import { idOf, type UserId } from "../ids.js";
import { AUDIT_PAGE } from "../limits.js";
import { changeOf, type DirectoryChange } from "./change.js";

/** An event of the log. */
export interface AuditEntry {
  readonly seq: number;
  /** Unix milliseconds. */
  readonly atMs: number;
  /** Whose call it was; absent for the server's own. */
  readonly sender: UserId | undefined;
  /** The subject of whoever did it, or `operator` for the command line; empty where it isn't known. */
  readonly actor: string;
  /** What was changed of the directory. */
  readonly changes: readonly DirectoryChange[];
  /** What happened, in the words of the protocol; `unknown` for an event of a later version. */
  readonly body: OrganizationEventBody;
}

/** Some of the log. */
export interface AuditPage {
  /** The newest first. */
  readonly entries: readonly AuditEntry[];
  /** Those before; absent at the beginning of the log. */
  readonly older: ((options?: CallOptions) => Promise<AuditPage>) | undefined;
}

/** The newest entries. */
export async function audit(client: Client, options: CallOptions = {}): Promise<AuditPage> {
  const { asOfSeq } = await client.call(ReadAudit, { fromSeq: Number.MAX_SAFE_INTEGER, limit: 1 }, options);
  return pageUpTo(client, asOfSeq, options);
}

async function pageUpTo(client: Client, last: number, options: CallOptions): Promise<AuditPage> {
  const first = Math.max(last - AUDIT_PAGE + 1, 1);
  const entries: AuditEntry[] = [];
  let from = first;
  while (from <= last) {
    const answer = await client.call(ReadAudit, { fromSeq: from, limit: last - from + 1 }, options);
    entries.push(...answer.entries.map(entryOf));
    // An answer is no larger than a frame: what didn't fit is asked for again.
    const read = answer.entries.at(-1)?.seq;
    if (read === undefined || read < from) break;
    from = read + 1;
  }
  const older = (more: CallOptions = {}) => pageUpTo(client, first - 1, more);
  return { entries: entries.reverse(), older: first > 1 ? older : undefined };
}

function entryOf({ seq, atMs, sender: field, kind, body: bytes }: WireEntry): AuditEntry {
  const body = decodeBody<OrganizationEventBody>(organizationEvents, kind, bytes);
  const actor = body.case === "unknown" ? "" : body.value.actor;
  const wire = body.case === "directoryChanged" ? body.value.changes : [];
  const changes = wire.flatMap((change) => changeOf(change) ?? []);
  return { seq, atMs, sender: idOf<UserId>(field), actor, changes, body };
}
