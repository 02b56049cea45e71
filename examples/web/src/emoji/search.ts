/** Finding emoji by name. The list is a chunk of its own; whoever imports this file gets it with it. */

import rows from "virtual:emoji";

/** One emoji. */
export interface Emoji {
  readonly emoji: string;
  readonly group: number;
  /** What it is called between colons; the first name is the usual one. */
  readonly names: readonly string[];
  readonly words: string;
}

/** All of them, in the order of Unicode. */
export const EMOJI: readonly Emoji[] = rows.map(([emoji, group, names, words]) => ({
  emoji,
  group,
  names: names.split(" "),
  words: words.toLowerCase(),
}));

/** Those that fit best, at most `max`: names that begin so, then names that contain it, then other words. */
export function searchEmoji(query: string, max: number): Emoji[] {
  const wanted = query.toLowerCase().replace(/[\s-]+/g, "_");
  const ranked: { it: Emoji; rank: number }[] = [];
  for (const it of EMOJI) {
    const rank = rankOf(it, wanted);
    if (rank < 4) ranked.push({ it, rank });
  }
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, max)
    .map(({ it }) => it);
}

function rankOf({ names, words }: Emoji, wanted: string): number {
  if (names.includes(wanted)) return 0;
  if (names.some((name) => name.startsWith(wanted))) return 1;
  if (names.some((name) => name.includes(wanted))) return 2;
  return words.includes(wanted.replaceAll("_", " ")) ? 3 : 4;
}
