/** Facts about messages that may not be loaded yet: of too many, those about the oldest are forgotten. */

/** Drops the entry with the smallest number when there are more than `max`: it is the last to be looked at. */
export function bound(known: Map<number, unknown>, max: number): void {
  if (known.size > max) known.delete(Math.min(...known.keys()));
}

/** Forgets everything up to this number. */
export function forgetTo(known: Map<number, unknown> | Set<number>, seq: number): void {
  for (const key of known.keys()) if (key <= seq) known.delete(key);
}
