/** Time as an argument: nothing in the core reads a clock. */

/** A place in time. */
export interface Now {
  /** Unix milliseconds, for people and refs; may jump. */
  readonly unixMs: number;
  /** Milliseconds since an arbitrary start, for timers; never goes back. */
  readonly elapsedMs: number;
}

/** Never, as a deadline. */
export const NEVER = Number.POSITIVE_INFINITY;
