/** A word about something that just went wrong or right, for a moment at the foot of the page, perhaps with a way back. */

import { useEffect, useSyncExternalStore } from "react";

const SHOWN_FOR_MS = 5000;
const listeners = new Set<() => void>();
let shown: { text: string; id: number; undo: Undo | undefined } | undefined;

/** What takes it back, for as long as it can be. */
export interface Undo {
  label: string;
  forMs: number;
  act(): void;
}

function change(next: typeof shown): void {
  shown = next;
  for (const listener of [...listeners]) listener();
}

/** Shows a text, in the place of the one before. */
export function toast(text: string, undo?: Undo): void {
  change({ text, id: (shown?.id ?? 0) + 1, undo });
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
    const timer = setTimeout(() => change(undefined), now.undo?.forMs ?? SHOWN_FOR_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return (
    <div className="toasts" role="status">
      {now && (
        <p className="toast">
          {now.text}
          {now.undo && <UndoButton {...now.undo} />}
        </p>
      )}
    </div>
  );
}

function UndoButton({ label, act }: Undo) {
  const undo = () => {
    act();
    change(undefined);
  };
  return (
    <button type="button" className="toast-undo" onClick={undo}>
      {label}
    </button>
  );
}
