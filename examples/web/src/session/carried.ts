/**
 * Questions whose answer may not be lost: a refresh token is good once, so whoever asks with it and is loaded again
 * before the answer comes would be signed out. The service worker asks in the page's place, goes on when the page is
 * gone, and keeps the answer for whoever asks the same again; see `scripts/sw.template.js`. Where there is none,
 * the question goes out as it is.
 */

/** The name of what the service worker keeps, and the mark of what it is to carry. Both are in its source as well. */
const CARRIED = "parlour-carried";

/** A `fetch` for the question that this secret answers for. */
export function carriedFetch(secret: string): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    // Nothing behind `#` leaves the browser.
    url.hash = `${CARRIED}=${await digest(secret)}`;
    return fetch(url, init);
  };
}

/** The answers have been taken, or nobody waits for them any more. */
export async function forgetCarried(): Promise<void> {
  // There is no such thing on pages without TLS.
  if ("caches" in globalThis) await caches.delete(CARRIED);
}

async function digest(secret: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
