/** Whether somebody looks at the page, and what they do there. */

import { useEffect, useSyncExternalStore } from "react";
import { useClient } from "../sdk/context.tsx";

const IDLE_AFTER_MS = 5 * 60_000;
const AWAY_AFTER_MS = 10 * 60_000;
const LOOK_EVERY_MS = 20_000;
const TOUCHES = ["pointerdown", "keydown", "wheel", "focus"] as const;

function subscribe(onChange: () => void): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  document.addEventListener("visibilitychange", onChange, { signal });
  addEventListener("focus", onChange, { signal });
  addEventListener("blur", onChange, { signal });
  return () => ended.abort();
}

/** Whether the page is shown and has the focus. */
export function isLookedAt(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

/** The same, drawn anew when it changes. */
export function useLookedAt(): boolean {
  return useSyncExternalStore(subscribe, isLookedAt);
}

/** Tells the server whether the user is there: while the page is used, shown, or put away. */
export function useActivity(isInvisible: boolean): void {
  const { presence } = useClient();
  useEffect(() => {
    let touchedMs = performance.now();
    const tell = () => {
      const restMs = performance.now() - touchedMs;
      if (isInvisible) presence.set("invisible");
      else if (document.visibilityState === "hidden")
        presence.set(restMs > AWAY_AFTER_MS ? "background" : "idle");
      else presence.set(restMs > IDLE_AFTER_MS ? "idle" : "active");
    };
    const touch = () => {
      touchedMs = performance.now();
      tell();
    };
    const ended = new AbortController();
    const { signal } = ended;
    for (const name of TOUCHES) addEventListener(name, touch, { signal, passive: true });
    document.addEventListener("visibilitychange", tell, { signal });
    const timer = setInterval(tell, LOOK_EVERY_MS);
    tell();
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  }, [presence, isInvisible]);
}
