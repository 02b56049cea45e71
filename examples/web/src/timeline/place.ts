/** Finding lines by number: those of the log stand in its order, before all that waits to be sent. */

import type { Message, TimelineItem } from "@parlour/client";
import { seqOf } from "./rows.ts";

/** The message with this number, where it is loaded. */
export function messageAt(items: readonly TimelineItem[], seq: number): Message | undefined {
  let [low, high] = [0, items.length - 1];
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const item = items[middle] as TimelineItem;
    const at = seqOf(item) ?? Number.POSITIVE_INFINITY;
    if (at === seq) return item.type === "message" ? item : undefined;
    if (at < seq) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** The last line of the log. */
export function lastSeqOf(items: readonly TimelineItem[]): number {
  for (let at = items.length - 1; at >= 0; at--) {
    const seq = seqOf(items[at] as TimelineItem);
    if (seq !== undefined) return seq;
  }
  return 0;
}
