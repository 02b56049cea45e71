/** Facts of profiles in words. */

import { agoOf, untilOf } from "../i18n/dates.ts";

const DAY_MS = 86_400_000;
/** Longer ago, the day says more than their number. */
const COUNTED_DAYS = 7;

/** A language by its tag (RFC 5646), in another one; the tag where it has no name there, nothing where it is none. */
export function languageNamed(tag: string | undefined, inLanguage: string): string | undefined {
  if (!tag) return undefined;
  try {
    return new Intl.DisplayNames(inLanguage, { type: "language" }).of(tag);
  } catch {
    // Not a language tag.
    return undefined;
  }
}

/** The place of a time zone, as people call it. */
export function zoneNamed(zone: string): string {
  return (zone.split("/").at(-1) ?? zone).replaceAll("_", " ");
}

/** When somebody was here last. */
export function lastSeenOf(atMs: number, nowMs: number): string {
  return nowMs - atMs < COUNTED_DAYS * DAY_MS ? agoOf(atMs, Math.max(nowMs, atMs)) : untilOf(atMs, nowMs);
}
