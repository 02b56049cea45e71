/** Times that are proposed. */

export const HOUR_MS = 3_600_000;
const MORNING = 8;

/** When tomorrow morning begins here: Unix milliseconds. */
export function tomorrowMorning(now: Date): number {
  const next = new Date(now);
  next.setDate(now.getDate() + 1);
  return next.setHours(MORNING, 0, 0, 0);
}

/** A time as a field for local times has it, to the minute. */
export function inputOf(at: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
