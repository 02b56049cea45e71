/** Bodies of events by their kinds. */

import { decode, type MessageType } from "./message.js";

/** By kind: what the body is called, and its type. */
export type BodyTable = () => Record<number, [name: string, type: MessageType<unknown>]>;

/** A table that is made when it is used first. */
export function bodyTable(make: BodyTable): BodyTable {
  let table: ReturnType<BodyTable> | undefined;
  return () => {
    table ??= make();
    return table;
  };
}

/** What an event says; one that can't be read is like one of an unknown kind. */
export function decodeBody<Body extends { case: string; value: unknown }>(
  table: BodyTable,
  kind: number,
  bytes: Uint8Array,
): Body {
  const entry = table()[kind];
  try {
    if (entry) return { case: entry[0], value: decode(entry[1], bytes) } as unknown as Body;
  } catch {
    // Shown as a fallback, below.
  }
  return { case: "unknown", value: bytes } as unknown as Body;
}
