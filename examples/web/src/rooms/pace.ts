/** What is proposed for slow mode and for messages that disappear. */

import { RoomKind } from "@parlour/client/proto";

/** Seconds between two messages of one member; the server takes up to six hours. */
export const PACES_S: readonly number[] = [0, 10, 60, 300, 3_600];
/** Seconds after which messages are deleted; the server takes 5 to a year. */
export const EXPIRIES_S: readonly number[] = [0, 3_600, 86_400, 604_800, 7_776_000];

/** The proposals, and what holds now if it is none of them. */
export function offered(all: readonly number[], present: number): readonly number[] {
  return all.includes(present) ? all : [...all, present].sort((a, b) => a - b);
}

/** Where nobody manages the room, so that those in it decide. */
export function byTwo(kind: number): boolean {
  return kind === RoomKind.DIRECT || kind === RoomKind.USER;
}
