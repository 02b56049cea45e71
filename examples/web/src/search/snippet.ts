/** A piece of a text with what was found in it. */

/** A run of a text, and whether it was searched for. */
export interface Run {
  readonly text: string;
  readonly isFound: boolean;
}

const LENGTH_MAX = 260;
const BEFORE_MAX = 70;

type Place = readonly [from: number, to: number];

/** What is shown of a text: it begins a little before the first word that was found. */
export function snippetOf(text: string, places: readonly Place[]): Run[] {
  const first = places[0]?.[0] ?? 0;
  const from =
    text.length <= LENGTH_MAX || first <= BEFORE_MAX ? 0 : wordStart(text, first - BEFORE_MAX, first);
  const to = Math.min(from + LENGTH_MAX, text.length);
  const runs: Run[] = [];
  const add = (start: number, end: number, isFound: boolean) => {
    const piece = text.slice(start, end).replace(/\*\*|__|~~|`/g, "");
    if (piece) runs.push({ text: piece, isFound });
  };
  let at = from;
  for (const [start, end] of places) {
    if (end <= at || start >= to) continue;
    add(at, Math.max(start, at), false);
    add(Math.max(start, at), Math.min(end, to), true);
    at = Math.min(end, to);
  }
  add(at, to, false);
  if (from > 0) runs.unshift({ text: "…", isFound: false });
  if (to < text.length) runs.push({ text: "…", isFound: false });
  return runs;
}

function wordStart(text: string, from: number, before: number): number {
  const space = text.slice(from, before).search(/\s/);
  return space < 0 ? from : from + space + 1;
}
