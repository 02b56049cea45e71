/** How long links, invites and keys are good. */

const SECONDS = { hour: 3600, day: 86_400, week: 604_800, month: 2_592_000, year: 31_536_000 } as const;

/** A span that can be chosen; `ever` where that can be. */
export type SpanName = keyof typeof SECONDS | "ever";

/** Those with an end, the shortest first. */
export const SPANS = Object.keys(SECONDS) as (keyof typeof SECONDS)[];

/** A span in seconds; 0 for ever, as the protocol has it. */
export function secondsOf(span: SpanName): number {
  return span === "ever" ? 0 : SECONDS[span];
}
