/** Being called at a time, however far it is: what ends by itself is looked at then. */

import { useCallback, useSyncExternalStore } from "react";

/** Timers hold 24 days at most and stand still while a computer sleeps: nobody waits longer than this for a look. */
const LOOK_EVERY_MS = 60_000;

/** Rings once at a time, Unix milliseconds, or as soon after it as the page is awake; returns what stops that. */
export function alarm(atMs: number, ring: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    const restMs = atMs - Date.now();
    if (restMs <= 0) ring();
    else timer = setTimeout(look, Math.min(restMs, LOOK_EVERY_MS));
  };
  look();
  return () => clearTimeout(timer);
}

/** Whether a time has come; drawn anew when it does. 0 never comes. */
export function useIsPast(atMs: number): boolean {
  const subscribe = useCallback(
    (onChange: () => void) => (atMs > Date.now() ? alarm(atMs, onChange) : () => undefined),
    [atMs],
  );
  return useSyncExternalStore(subscribe, () => atMs > 0 && atMs <= Date.now());
}

/** The minute that it is, Unix milliseconds; drawn anew when the next one begins. */
export function useMinute(): number {
  const minute = () => Math.floor(Date.now() / LOOK_EVERY_MS) * LOOK_EVERY_MS;
  return useSyncExternalStore(everyMinute, minute);
}

function everyMinute(onChange: () => void): () => void {
  let stop: (() => void) | undefined;
  const next = () => {
    stop = alarm((Math.floor(Date.now() / LOOK_EVERY_MS) + 1) * LOOK_EVERY_MS, () => {
      onChange();
      next();
    });
  };
  next();
  return () => stop?.();
}
