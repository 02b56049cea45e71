/** Moments, spans and sizes in the user's language. */

import { text } from "../i18n/text.ts";

const UNITS = ["kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
const SPANS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

/** The browser's way of writing numbers and dates, where it is one of the language that is spoken. */
function tag(): string {
  const spoken = text().language.tag;
  const wanted = globalThis.navigator?.languages ?? [];
  return wanted.find((it) => it.split("-")[0] === spoken) ?? spoken;
}

/** Such as `4 May 2026, 14:05`. */
export function stampOf(atMs: number): string {
  return new Intl.DateTimeFormat(tag(), { dateStyle: "medium", timeStyle: "short" }).format(atMs);
}

/** Such as `1,204`. */
export function numberOf(value: number): string {
  return new Intl.NumberFormat(tag(), { maximumFractionDigits: 1 }).format(value);
}

/** Such as `4 May 2026`. */
export function dateOf(atMs: number): string {
  return new Intl.DateTimeFormat(tag(), { dateStyle: "medium" }).format(atMs);
}

/** Such as `3.2 GB`, by thousands. */
export function bytesOf(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3) - 1;
  const at = Math.min(Math.max(step, 0), UNITS.length - 1);
  const options = { style: "unit", unit: UNITS[at] ?? "kilobyte", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(tag(), options).format(bytes / 1000 ** (at + 1));
}

/** Such as `3 days 4 hours`: the two largest units. */
export function spanOf(seconds: number): string {
  const parts: string[] = [];
  let rest = Math.max(Math.floor(seconds), 0);
  for (const [unit, size] of SPANS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    const options = { style: "unit", unit, unitDisplay: "long" } as const;
    if (count > 0) parts.push(new Intl.NumberFormat(tag(), options).format(count));
    if (parts.length === 2) break;
  }
  const none = { style: "unit", unit: "second", unitDisplay: "long" } as const;
  return parts.join(" ") || new Intl.NumberFormat(tag(), none).format(0);
}
