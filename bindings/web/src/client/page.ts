/**
 * What a page tells its client: that it is put away, that it is there again, that the network is another, that
 * it is looked at.
 */

import type { Driver } from "./driver.js";

/** Follows the page, if there is one; returns what ends that. */
export function followPage(driver: Driver): () => void {
  const { addEventListener } = globalThis as { addEventListener?: typeof globalThis.addEventListener };
  if (typeof addEventListener !== "function") return () => undefined;
  const ended = new AbortController();
  const { signal } = ended;
  addEventListener.call(globalThis, "pagehide", () => driver.nudge((connector) => connector.rest()), {
    signal,
  });
  addEventListener.call(globalThis, "pageshow", () => driver.nudge((connector) => connector.wake()), {
    signal,
  });
  addEventListener.call(globalThis, "online", () => driver.nudge((connector) => connector.networkChanged()), {
    signal,
  });
  // Timers are slow in a page that isn't shown: what is due is looked at once it is shown again.
  const wake = () => document.visibilityState === "visible" && driver.nudge((connector) => connector.ping());
  if (typeof document !== "undefined") document.addEventListener("visibilitychange", wake, { signal });
  return () => ended.abort();
}
