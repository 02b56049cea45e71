/** What is written into the search field: words, phrases in quotation marks, and the narrowings one can type. */

/** What a text asks for. */
export interface Asked {
  readonly text: string;
  readonly phrases: readonly string[];
  readonly hasFile: boolean;
  readonly hasLink: boolean;
  /** Unix milliseconds. */
  readonly afterMs: number | undefined;
  readonly beforeMs: number | undefined;
}

const PHRASE = /["“„]([^"“”„]+)["”“]/g;
const TYPED = /(?:^|\s)(has|before|after):(\S+)/gi;

/** Reads it. What looks like a narrowing and is none is words. */
export function parseQuery(source: string): Asked {
  const phrases: string[] = [];
  let [hasFile, hasLink] = [false, false];
  let [afterMs, beforeMs]: (number | undefined)[] = [];
  const rest = source
    .replace(PHRASE, (_, phrase: string) => {
      phrases.push(phrase.trim());
      return " ";
    })
    .replace(TYPED, (whole, name: string, value: string) => {
      const what = name.toLowerCase();
      const is = value.toLowerCase();
      const day = dayStartOf(value);
      if (what === "has" && is === "file") hasFile = true;
      else if (what === "has" && is === "link") hasLink = true;
      else if (what === "before" && day !== undefined) beforeMs = day;
      else if (what === "after" && day !== undefined) afterMs = day;
      else return whole;
      return " ";
    });
  const text = rest.replace(/\s+/g, " ").trim();
  return { text, phrases: phrases.filter(Boolean), hasFile, hasLink, afterMs, beforeMs };
}

/** Where a day begins here that is written as `2026-11-27`. */
export function dayStartOf(day: string): number | undefined {
  const [, year, month, date] = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(day) ?? [];
  if (!year || !month || !date) return undefined;
  const at = new Date(Number(year), Number(month) - 1, Number(date));
  return at.getMonth() === Number(month) - 1 ? at.getTime() : undefined;
}
