/** One after the other, under a name: over all tabs where the browser has locks, else within this realm. */

const last = new Map<string, Promise<unknown>>();

/** Does something once everything under this name that came before is done. */
export async function takeTurns<T>(name: string, work: () => Promise<T>): Promise<T> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks;
  if (locks) return (await locks.request(name, work)) as T;
  const turn = (last.get(name) ?? Promise.resolve()).then(work, work);
  const end = turn.catch(() => undefined);
  last.set(name, end);
  void end.then(() => {
    if (last.get(name) === end) last.delete(name);
  });
  return turn;
}
