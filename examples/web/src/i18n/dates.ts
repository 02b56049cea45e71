/** Times and days in the user's language; the formatters are dear, and made once. */

import { text } from "./text.ts";

const DAY_MS = 86_400_000;
const made = new Map<string, Intl.DateTimeFormat>();

function format(atMs: number, options: Intl.DateTimeFormatOptions): string {
  const tag = localeOf(text().language.tag);
  const key = tag + JSON.stringify(options);
  const formatter = made.get(key) ?? new Intl.DateTimeFormat(tag, options);
  made.set(key, formatter);
  return formatter.format(atMs);
}

/** The browser's way of writing dates, where it is one of the language that is spoken. */
function localeOf(tag: string): string {
  return navigator.languages.find((it) => it.split("-")[0] === tag) ?? tag;
}

/** Such as `14:05`; here, or in another time zone. */
export function timeOf(atMs: number, timeZone?: string): string {
  const options = { hour: "numeric", minute: "2-digit" } as const;
  return format(atMs, timeZone ? { ...options, timeZone } : options);
}

/** Day and time, in full. */
export function momentOf(atMs: number): string {
  return format(atMs, { dateStyle: "full", timeStyle: "short" });
}

/** Where a day begins here. */
export function dayStart(atMs: number): number {
  return new Date(atMs).setHours(0, 0, 0, 0);
}

/** Today, yesterday, or the day's name and date. */
export function dayOf(atMs: number, nowMs = Date.now()): string {
  const { t } = text();
  const days = Math.round((dayStart(nowMs) - dayStart(atMs)) / DAY_MS);
  if (days === 0) return t("day.today");
  if (days === 1) return t("day.yesterday");
  const isThisYear = new Date(atMs).getFullYear() === new Date(nowMs).getFullYear();
  const options = { weekday: "long", month: "long", day: "numeric" } as const;
  return format(atMs, isThisYear ? options : { ...options, year: "numeric" });
}

/** The time today, else the day, as short as can be: for lists. */
export function shortOf(atMs: number, nowMs = Date.now()): string {
  const days = Math.round((dayStart(nowMs) - dayStart(atMs)) / DAY_MS);
  if (days === 0) return timeOf(atMs);
  return days < 7 ? format(atMs, { weekday: "short" }) : format(atMs, { month: "short", day: "numeric" });
}

/** When something will be over, as short as can be: the time today, else the day as well. */
export function untilOf(atMs: number, nowMs = Date.now()): string {
  const days = Math.abs(Math.round((dayStart(atMs) - dayStart(nowMs)) / DAY_MS));
  const time = { hour: "numeric", minute: "2-digit" } as const;
  if (days === 0) return format(atMs, time);
  if (days < 7) return format(atMs, { ...time, weekday: "short" });
  return format(atMs, { month: "short", day: "numeric", ...(days > 300 && { year: "numeric" }) });
}

/** How long ago, in the largest unit that fits. */
export function agoOf(atMs: number, nowMs = Date.now()): string {
  const minutes = Math.round((atMs - nowMs) / 60_000);
  const relative = new Intl.RelativeTimeFormat(text().language.tag, { numeric: "auto" });
  if (minutes > -60) return relative.format(minutes, "minute");
  if (minutes > -1440) return relative.format(Math.round(minutes / 60), "hour");
  return relative.format(Math.round(minutes / 1440), "day");
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** So many seconds, in the largest unit that they are a whole number of. */
export function duration(seconds: number, unitDisplay: "long" | "short" = "long"): string {
  const [unit, size] = UNITS.find(([, length]) => seconds % length === 0) ?? (["second", 1] as const);
  return new Intl.NumberFormat(text().language.tag, { style: "unit", unit, unitDisplay }).format(
    seconds / size,
  );
}
