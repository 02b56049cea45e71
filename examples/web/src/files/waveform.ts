/** Pictures of sound. */

const LEAST = 0.08;

/** How high each of some bars is, of 1: the loudest of its stretch. Without a waveform, all are low. */
export function barsOf(waveform: Uint8Array, count: number): number[] {
  const loudest = Math.max(...waveform, 1);
  return Array.from({ length: count }, (_, at) => {
    const from = Math.floor((at * waveform.length) / count);
    const to = Math.max(Math.floor(((at + 1) * waveform.length) / count), from + 1);
    const here = Math.max(...waveform.subarray(from, to), 0);
    return Math.max(here / loudest, LEAST);
  });
}
