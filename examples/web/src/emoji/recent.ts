/** The emoji that were picked last on this device. */

const KEY = "parlour.emoji";
const KEPT = 18;
const FIRST = ["👍", "❤️", "😂", "🎉", "👀", "🙏", "✅", "🚀", "🔥"];

/** The last ones first, then some that many use. */
export function recentEmoji(): string[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]") as string[];
    return [...new Set([...kept, ...FIRST])].slice(0, KEPT);
  } catch {
    return FIRST;
  }
}

/** One was picked. */
export function rememberEmoji(emoji: string): void {
  localStorage.setItem(KEY, JSON.stringify([...new Set([emoji, ...recentEmoji()])].slice(0, KEPT)));
}
