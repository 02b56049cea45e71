/** A figure as one line of JSON, with the fields of the project's other benchmarks (tests/bench). */

import { loadavg } from "node:os";

/** Above this the neighbours are in the figure. */
const LOAD_MAX = 6;

/** What was measured. */
export interface Measured {
  readonly bench: string;
  readonly params: object;
  readonly unit: string;
  /** One for each repetition. */
  readonly values: readonly number[];
  /** The median, at most. */
  readonly goal?: number;
  /** Of what the values are made, in milliseconds. */
  readonly timesMs?: readonly number[];
}

/** Prints the line. What isn't as it should be makes the program fail at its end. */
export function print({ bench, params, unit, values, goal, timesMs = [] }: Measured): void {
  const sorted = values.toSorted((a, b) => a - b);
  const median = at(sorted, 0.5);
  const load1 = loadavg()[0] ?? 0;
  const isBelieved = unit === "bytes" || load1 <= LOAD_MAX;
  if (!isBelieved) console.error(`${bench}: load ${load1.toFixed(1)}, the figure isn't to be believed`);
  const ok = values.length > 0 && isBelieved && (goal === undefined || (median ?? Infinity) <= goal);
  if (!ok) process.exitCode = 1;
  const times = timesMs.toSorted((a, b) => a - b);
  const us = (share: number) => {
    const ms = at(times, share);
    return ms === null ? null : Math.round(1000 * ms);
  };
  console.log(
    JSON.stringify({
      bench,
      params,
      subject: "parlour",
      peer: null,
      peer_version: null,
      reps: values.length,
      unit,
      median,
      min: at(sorted, 0),
      max: at(sorted, 1),
      peer_median: null,
      ratio: null,
      goal: goal ?? null,
      ok,
      p50_us: us(0.5),
      p90_us: us(0.9),
      p99_us: us(0.99),
      p999_us: us(0.999),
      server_cpu_us_per_op: null,
      server_util: null,
      generator_util: null,
      rss_kb: null,
      lost: 0,
      load1,
    }),
  );
}

/** What so large a share is no greater than. */
export function at(sorted: readonly number[], share: number): number | null {
  const value = sorted[Math.floor((sorted.length - 1) * share)];
  return value === undefined ? null : Math.round(value * 10) / 10;
}
