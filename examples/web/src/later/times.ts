/** Times that are offered for later. Pure. */

import type { Key } from "../i18n/text.ts";

/** A time with what it is called. */
export interface Offered {
  readonly label: Key;
  readonly atMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MORNING = 9;

function morning(nowMs: number, days: number): number {
  const day = new Date(nowMs);
  day.setDate(day.getDate() + days);
  return day.setHours(MORNING, 0, 0, 0);
}

function daysToMonday(nowMs: number): number {
  return (8 - new Date(nowMs).getDay()) % 7 || 7;
}

/** Tomorrow and on Monday, in the morning; before five in the morning, today is meant as well. */
export function mornings(nowMs: number): Offered[] {
  const early: Offered[] =
    new Date(nowMs).getHours() < 5 ? [{ label: "later.morning", atMs: morning(nowMs, 0) }] : [];
  const monday = daysToMonday(nowMs);
  return [
    ...early,
    { label: "later.tomorrow", atMs: morning(nowMs, 1) },
    ...(monday > 1 ? [{ label: "later.monday", atMs: morning(nowMs, monday) } as const] : []),
  ];
}

/** Times to be reminded at. */
export function reminderTimes(nowMs: number): Offered[] {
  return [
    { label: "later.minutes", atMs: nowMs + 20 * MINUTE_MS },
    { label: "later.hour", atMs: nowMs + HOUR_MS },
    { label: "later.hours", atMs: nowMs + 3 * HOUR_MS },
    ...mornings(nowMs),
  ];
}

/** A time as the browser's field for times has it. */
export function fieldTime(atMs: number): string {
  const date = new Date(atMs);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
