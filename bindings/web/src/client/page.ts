/** What a page tells its client: that it is put away, that it is there again, that the network is another. */

import type { Driver } from "./driver.js";

/** Follows the page, if there is one; returns what ends that. */
export function followPage(driver: Driver): () => void {
  const { addEventListener } = globalThis as { addEventListener?: typeof globalThis.addEventListener };
  if (typeof addEventListener !== "function") return () => undefined;
  const ended = new AbortController();
  const { signal } = ended;
  addEventListener.call(globalThis, "pagehide", () => driver.suspend(), { signal });
  addEventListener.call(globalThis, "pageshow", () => driver.resume(), { signal });
  addEventListener.call(globalThis, "online", () => driver.networkChanged(), { signal });
  return () => ended.abort();
}
