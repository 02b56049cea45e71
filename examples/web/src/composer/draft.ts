/** What is begun and not sent, per room and thread, kept on this device. */

import type { Room, UserId } from "@parlour/client";

/** A text, and whom its `@` names mean. */
export interface DraftText {
  readonly text: string;
  readonly mentions: Readonly<Record<string, UserId>>;
  /** What the server had last, as far as is known here: what differs from it was written here since. */
  readonly agreed?: string;
}

const EMPTY: DraftText = { text: "", mentions: {} };
const PREFIX = "parlour.draft.";

function keyOf(room: Room, root: number | undefined): string {
  return `${PREFIX}${room.client.me ?? ""}.${room.id}.${root ?? ""}`;
}

/** What was begun here. */
export function readDraft(room: Room, root: number | undefined): DraftText {
  try {
    return {
      ...EMPTY,
      ...(JSON.parse(localStorage.getItem(keyOf(room, root)) ?? "{}") as Partial<DraftText>),
    };
  } catch {
    return EMPTY;
  }
}

/** Keeps what was begun; nothing is kept of an empty text, once the server knows of it. */
export function keepDraft(room: Room, root: number | undefined, draft: DraftText): void {
  try {
    if (draft.text.trim() || draft.agreed) localStorage.setItem(keyOf(room, root), JSON.stringify(draft));
    else localStorage.removeItem(keyOf(room, root));
  } catch {
    // No place left: it stays on the screen.
  }
}

/** Rooms where something was begun. */
export function hasDraft(room: Room): boolean {
  return readDraft(room, undefined).text !== "";
}

/** Forgets all of them. */
export function forgetDrafts(): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
}

/** Whom a text mentions: those chosen whose names still stand in it. */
export function mentionsIn({ text, mentions }: DraftText): UserId[] {
  const ids = Object.entries(mentions).flatMap(([name, id]) => (text.includes(`@${name}`) ? [id] : []));
  return [...new Set(ids)];
}
