/**
 * A message's text as a tree. `marked` finds the structure; nothing of what it would write as HTML is ever used, so
 * that there is no HTML to make safe: markup in a text is text.
 */

import { Lexer, type Token } from "marked";

/** Deeper than that, a text is shown as it was written. */
export const DEPTH_MAX = 12;
const KEPT = 400;
/** So many marks of structure that reading them would cost more than the text is worth. */
const MARKS_MAX = 2500;
const kept = new Map<string, readonly Token[] | undefined>();

/** The tree; absent where the text is to be shown as it is. */
export function parse(source: string): readonly Token[] | undefined {
  if (kept.has(source)) return kept.get(source);
  const tokens = read(source);
  if (kept.size >= KEPT) kept.delete(kept.keys().next().value ?? "");
  kept.set(source, tokens);
  return tokens;
}

function read(source: string): readonly Token[] | undefined {
  if (isHostile(source)) return undefined;
  try {
    return new Lexer({ gfm: true, breaks: true }).lex(source);
  } catch {
    return undefined;
  }
}

/** Texts that nobody writes: endless runs of marks, or of openings that nothing closes. */
function isHostile(source: string): boolean {
  const marks = source.match(/[[\]()<>*_`~!|\\]/g)?.length ?? 0;
  return marks > MARKS_MAX || /^[ \t]*(?:>[ \t]?){20}/m.test(source) || /([[(<*_`~!])\1{60}/.test(source);
}

const PICTURE =
  /\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic})*|\p{Regional_Indicator}{2}/gu;

/** Whether a text is nothing but one to three emoji, which are shown large. */
export function isJumbo(source: string): boolean {
  const rest = source.replace(PICTURE, "").trim();
  const count = source.match(PICTURE)?.length ?? 0;
  return rest === "" && count > 0 && count <= 3;
}

/** A text on one line without its marks, as quotes and notifications show it. */
export function plain(source: string): string {
  return source
    .replace(/```[^\n]*\n?/g, "")
    .replace(/^[ \t]*\|.*$/gm, "")
    .replace(/!?\[([^\]\n]{0,200})\]\([^)\n]{0,2048}\)/g, "$1")
    .replace(/(\*\*|__|~~|`)/g, "")
    .replace(/^[ \t]*(?:>|#{1,6} |[-*+] (?:\[[ x]\] )?)[ \t]*/gm, "")
    .replace(/\s+/g, " ")
    .trim();
}
