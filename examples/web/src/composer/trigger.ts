/** What the word before the caret asks for: somebody's name after `@`, an emoji's after `:`. */

/** A word to be completed. */
export interface Trigger {
  readonly sign: "@" | ":";
  readonly query: string;
  /** Where the sign stands. */
  readonly from: number;
}

const PERSON = /(?:^|[\s([{"'])@([\p{L}\p{N}._-]{0,30}(?: [\p{L}\p{N}._-]{0,30})?)$/u;
const EMOJI = /(?:^|[\s([{"'])(:[a-z0-9_+-]{2,30})$/i;

/** Looks at the text before the caret. */
export function triggerAt(text: string, caret: number): Trigger | undefined {
  const before = text.slice(Math.max(caret - 64, 0), caret);
  const person = PERSON.exec(before)?.[1];
  if (person !== undefined) return { sign: "@", query: person, from: caret - person.length - 1 };
  const emoji = EMOJI.exec(before)?.[1];
  if (emoji !== undefined) return { sign: ":", query: emoji.slice(1), from: caret - emoji.length };
  return undefined;
}
