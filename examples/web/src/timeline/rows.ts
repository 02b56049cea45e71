/** The lines of a timeline as rows to draw: days, the unread line, and who begins to speak. Pure and fast. */

import type { Message, NoticeItem, TimelineItem } from "@parlour/client";

/** A message of the same sender within this time goes on under the same name. */
const TOGETHER_MS = 5 * 60_000;

/** One row. */
export type Row =
  | { readonly type: "top"; readonly key: "top" }
  | { readonly type: "day"; readonly key: string; readonly atMs: number }
  | { readonly type: "unread"; readonly key: "unread" }
  | { readonly type: "message"; readonly key: string; readonly message: Message; readonly isHead: boolean }
  | { readonly type: "notice"; readonly key: string; readonly notice: NoticeItem };

/** The number of an item in the log; absent for what waits to be sent. */
export function seqOf(item: TimelineItem): number | undefined {
  return item.place.in === "log" ? item.place.number : undefined;
}

/** Where a day ends, so that a day is looked up once and not for each message. */
class Day {
  private endMs = Number.NEGATIVE_INFINITY;
  private startMs = Number.POSITIVE_INFINITY;

  /** Whether this is another day than the last one asked for. */
  turns(atMs: number): boolean {
    if (atMs >= this.startMs && atMs < this.endMs) return false;
    const date = new Date(atMs);
    this.startMs = date.setHours(0, 0, 0, 0);
    this.endMs = date.setDate(date.getDate() + 1);
    return true;
  }

  get key(): string {
    return `day-${this.startMs}`;
  }
}

/** What was made the last time, to go on from. */
export interface Made {
  readonly items: readonly TimelineItem[];
  readonly readSeq: number | undefined;
  readonly rows: readonly Row[];
}

/** The rows for these lines; those before the first line that is another than the last time are taken over. */
export function rowsAfter(
  last: Made | undefined,
  items: readonly TimelineItem[],
  readSeq: number | undefined,
): Made {
  const same = last && last.readSeq === readSeq ? commonStart(last.items, items) : 0;
  if (!last || same === 0) return { items, readSeq, rows: rowsOf(items, readSeq) };
  const before = items[same - 1] as TimelineItem;
  const end = last.rows.findLastIndex((row) => itemOf(row) === before) + 1;
  const rows = last.rows.slice(0, end);
  const isUnreadDrawn = readSeq === undefined || rows.some((row) => row.type === "unread");
  add(rows, items, same, before, isUnreadDrawn ? undefined : readSeq);
  return { items, readSeq, rows };
}

function commonStart(a: readonly unknown[], b: readonly unknown[]): number {
  const max = Math.min(a.length, b.length);
  let at = 0;
  while (at < max && a[at] === b[at]) at += 1;
  return at;
}

function itemOf(row: Row): TimelineItem | undefined {
  return row.type === "message" ? row.message : row.type === "notice" ? row.notice : undefined;
}

/**
 * The rows for these lines. `readSeq` is the last line before the unread ones, where there is an unread line to be
 * drawn at all: it stands before the first message after it that isn't the user's own.
 */
export function rowsOf(items: readonly TimelineItem[], readSeq: number | undefined): Row[] {
  const rows: Row[] = [{ type: "top", key: "top" }];
  add(rows, items, 0, undefined, readSeq);
  return rows;
}

function add(
  rows: Row[],
  items: readonly TimelineItem[],
  from: number,
  last: TimelineItem | undefined,
  readSeq: number | undefined,
): void {
  const day = new Day();
  if (last) day.turns(last.atMs);
  let before = last?.type === "message" ? last : undefined;
  let isUnreadDrawn = readSeq === undefined;
  for (let at = from; at < items.length; at++) {
    const item = items[at] as TimelineItem;
    if (day.turns(item.atMs)) {
      rows.push({ type: "day", key: day.key, atMs: item.atMs });
      before = undefined;
    }
    if (!isUnreadDrawn && isFirstUnread(item, readSeq ?? 0)) {
      rows.push({ type: "unread", key: "unread" });
      isUnreadDrawn = true;
      before = undefined;
    }
    if (item.type === "notice") {
      rows.push({ type: "notice", key: `notice-${item.place.number}`, notice: item });
      before = undefined;
    } else {
      rows.push({ type: "message", key: item.key, message: item, isHead: !continues(before, item) });
      before = item;
    }
  }
}

function isFirstUnread(item: TimelineItem, readSeq: number): boolean {
  return item.type === "message" && (seqOf(item) ?? 0) > readSeq && !item.isOwn;
}

function continues(before: Message | undefined, message: Message): boolean {
  if (!before || before.isDeleted || message.isDeleted) return false;
  const isSame = before.sender === message.sender || (before.isOwn && message.isOwn);
  return isSame && message.replyTo === undefined && message.atMs - before.atMs < TOGETHER_MS;
}

/** Whether the list grew at its beginning, so that what is looked at must stay where it is. */
export function shiftOf(before: readonly Row[], after: readonly Row[]): boolean {
  const first = before.find((row) => row.type === "message" || row.type === "notice");
  const now = after.find((row) => row.type === "message" || row.type === "notice");
  if (!first || !now || first.key === now.key) return false;
  return after.length > before.length && before.at(-1)?.key === after.at(-1)?.key;
}
