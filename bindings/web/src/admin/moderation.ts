/** What people report, and words that an organization refuses. All of it takes the scope `admin:moderation`. */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import {
  ReportDecision,
  ReportReason,
  type Report as WireReport,
} from "../generated/moderation/v1/moderation.js";
import { DecideReport, GetFilter, ListReports, SetFilter } from "../generated/rpc.js";
import { fieldOf, idOf, type RoomId, type UserId } from "../ids.js";
import { type Page, pageOf } from "./page.js";

declare const brand: unique symbol;
/** A report, as a UUID. */
export type ReportId = string & { readonly [brand]: "report" };

/** Why a message was reported. */
export type ReportReasonName = "spam" | "abuse" | "indecent" | "private" | "other";

/** What was decided: the message stays, or is deleted. */
export type ReportDecisionName = "dismissed" | "deleted";

/** A report. */
export interface Report {
  readonly id: ReportId;
  /** Where the message is. */
  readonly room: RoomId;
  readonly seq: number;
  /** Who wrote it. */
  readonly sender: UserId | undefined;
  /** What it said when it was reported, with the newest edit. */
  readonly text: string;
  /** How many attachments it had. */
  readonly attachments: number;
  readonly reporter: UserId | undefined;
  readonly reason: ReportReasonName;
  /** In the reporter's words. */
  readonly note: string;
  /** Unix milliseconds. */
  readonly atMs: number;
  /** Absent before somebody has decided. */
  readonly decision: ReportDecisionName | undefined;
  /** The subject of whoever did. */
  readonly decidedBy: string;
  /** Unix milliseconds; 0 before. */
  readonly decidedMs: number;
}

const REASONS: Record<number, ReportReasonName> = {
  [ReportReason.SPAM]: "spam",
  [ReportReason.ABUSE]: "abuse",
  [ReportReason.INDECENT]: "indecent",
  [ReportReason.PRIVATE]: "private",
};

const DECISIONS: Record<ReportDecisionName, number> = {
  dismissed: ReportDecision.DISMISSED,
  deleted: ReportDecision.DELETED,
};

/** Reports that somebody has to decide on, or those that are decided; the oldest first. */
export async function reports(
  client: Client,
  { isDecided = false, ...options }: CallOptions & { isDecided?: boolean } = {},
): Promise<Page<Report>> {
  return pageOf(async (page, more) => {
    const answer = await client.call(ListReports, { decided: isDecided, page }, more);
    return { items: answer.reports.flatMap((report) => reportOf(report) ?? []), nextPage: answer.nextPage };
  }, options);
}

/** Decides on a report; afterwards only the same can be decided again. */
export async function decideReport(
  client: Client,
  report: ReportId,
  decision: ReportDecisionName,
  options: CallOptions = {},
): Promise<void> {
  await client.call(DecideReport, { report: fieldOf(report), decision: DECISIONS[decision] }, options);
}

/** Words and phrases that messages may not have. */
export async function refusedWords(client: Client, options: CallOptions = {}): Promise<string[]> {
  return (await client.call(GetFilter, {}, options)).filter?.words ?? [];
}

/**
 * Replaces them: at most 1,000, each 1 to 100 bytes; with `*` at the end, whatever begins so is meant. Fails with
 * `INVALID_FIELD`.
 */
export async function setRefusedWords(
  client: Client,
  words: readonly string[],
  options: CallOptions = {},
): Promise<void> {
  await client.call(SetFilter, { filter: { words } }, options);
}

function reportOf({
  id: field,
  room: place,
  sender,
  reporter,
  reason,
  decision,
  ...report
}: WireReport): Report | undefined {
  const [id, room] = [idOf<ReportId>(field), idOf(place)];
  if (id === undefined || room === undefined) return undefined;
  const who = { sender: idOf<UserId>(sender), reporter: idOf<UserId>(reporter) };
  const names = Object.keys(DECISIONS) as ReportDecisionName[];
  const decided = names.find((name) => DECISIONS[name] === decision);
  return { ...report, id, room, ...who, reason: REASONS[reason] ?? "other", decision: decided };
}
