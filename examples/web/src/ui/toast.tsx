/** A word about something that just went wrong or right, for a moment at the foot of the page. */

import { useEffect, useSyncExternalStore } from "react";

const SHOWN_FOR_MS = 5000;
const listeners = new Set<() => void>();
let shown: { text: string; id: number } | undefined;

function change(next: typeof shown): void {
  shown = next;
  for (const listener of [...listeners]) listener();
}

/** Shows a text, in the place of the one before. */
export function toast(text: string): void {
  change({ text, id: (shown?.id ?? 0) + 1 });
}

function subscribe(onChange: () => void): () => void {
  listeners.add(onChange);
  return () => listeners.delete(onChange);
}

/** Where they show. */
export function Toasts() {
  const now = useSyncExternalStore(subscribe, () => shown);
  useEffect(() => {
    if (!now) return undefined;
    const timer = setTimeout(() => change(undefined), SHOWN_FOR_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return (
    <div className="toasts" role="status">
      {now && <p className="toast">{now.text}</p>}
    </div>
  );
}
