/** Changes of an observable list: small edits at an index, never a reload unless there is no other way. */

/** One change of a list. */
export type Diff<T> =
  /** A new item, before the one that has this index now. */
  | { readonly type: "insert"; readonly index: number; readonly item: T }
  /** The item at this index is another now. */
  | { readonly type: "update"; readonly index: number; readonly item: T }
  /** The item at this index is gone. */
  | { readonly type: "remove"; readonly index: number }
  /** Everything is different. */
  | { readonly type: "reset"; readonly items: readonly T[] };

/** Makes the change to a list, in place. Indexes beyond the end are left alone. */
export function applyDiff<T>(diff: Diff<T>, list: T[]): void {
  if (diff.type === "reset") list.splice(0, list.length, ...diff.items);
  else if (diff.type === "insert" && diff.index <= list.length) list.splice(diff.index, 0, diff.item);
  else if (diff.type === "update" && diff.index < list.length) list[diff.index] = diff.item;
  else if (diff.type === "remove" && diff.index < list.length) list.splice(diff.index, 1);
}

/** The same change of a list of something else. */
export function mapDiff<T, U>(diff: Diff<T>, f: (item: T) => U): Diff<U> {
  if (diff.type === "reset") return { type: "reset", items: diff.items.map(f) };
  return diff.type === "remove" ? diff : { ...diff, item: f(diff.item) };
}

/** Where a key stands in a sorted list; where it isn't, the place it belongs, as `-1 - place`. */
export function search(length: number, compareAt: (index: number) => number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareAt(middle);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return -1 - low;
}
