/**
 * Which carrier: WebTransport first, and WebSocket beside it when that takes long; the first one there is
 * kept, and tried first the next time.
 */

import { DIAL_WITHIN_MS, RACE_AFTER_MS } from "../limits.js";
import type { Carrier, CarrierName } from "./carrier.js";
import type { Directory, Endpoints } from "./endpoints.js";
import { dialWebSocket, type SocketConstructor } from "./websocket.js";
import { dialWebTransport } from "./webtransport.js";

/** What a race needs of its environment. */
export interface Stadium {
  /** The WebSocket to use, where there is one. */
  webSocket: SocketConstructor | undefined;
  /** Whether WebTransport may be used. */
  hasWebTransport: boolean;
}

/** Makes a carrier of one kind. */
export type Dial = (signal: AbortSignal) => Promise<Carrier>;

/** Connects to a server by whichever carrier is there first. Fails when none is. */
export async function connect(directory: Directory, stadium: Stadium, signal: AbortSignal): Promise<Carrier> {
  const endpoints = await directory.endpoints();
  const runners = line(endpoints, stadium, directory.winner(Date.now()));
  const carrier = await race(
    runners,
    RACE_AFTER_MS,
    AbortSignal.any([signal, AbortSignal.timeout(DIAL_WITHIN_MS)]),
  );
  directory.remember(carrier.name, Date.now());
  return carrier;
}

/** Who runs, in the order in which they start. */
export function line(endpoints: Endpoints, stadium: Stadium, winner: CarrierName | undefined): Dial[] {
  const { webSocket, hasWebTransport } = stadium;
  const { webtransport, websocket } = endpoints;
  const runners: { name: CarrierName; dial: Dial }[] = [];
  if (hasWebTransport && webtransport !== undefined) {
    const { url, certificateHashes } = webtransport;
    const dial: Dial = (signal) => dialWebTransport(url, certificateHashes, signal);
    runners.push({ name: "webtransport", dial });
  }
  if (webSocket !== undefined) {
    runners.push({ name: "websocket", dial: (signal) => dialWebSocket(webSocket, websocket.url, signal) });
  }
  runners.sort((a, b) => Number(b.name === winner) - Number(a.name === winner));
  return runners.map(({ dial }) => dial);
}

/**
 * The first of these that is there. Each starts `headStartMs` after the one before it, or at once where
 * that has failed; those that come too late are closed.
 */
export function race(dials: readonly Dial[], headStartMs: number, signal: AbortSignal): Promise<Carrier> {
  return new Promise((resolve, reject) => {
    const losers = new AbortController();
    let next = 0;
    let running = 0;
    let isWon = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const lose = () => {
      if (running === 0 && next >= dials.length && !isWon) reject(new Error("no carrier"));
    };
    const start = () => {
      clearTimeout(timer);
      const dial = dials[next++];
      if (dial === undefined || isWon) return lose();
      running++;
      if (next < dials.length) timer = setTimeout(start, headStartMs);
      dial(AbortSignal.any([signal, losers.signal])).then(
        (carrier) => {
          running--;
          // The one before it was there in the same moment.
          if (isWon) return carrier.close(0, "");
          isWon = true;
          clearTimeout(timer);
          resolve(carrier);
          losers.abort();
        },
        () => {
          running--;
          if (next < dials.length) start();
          else lose();
        },
      );
    };
    start();
  });
}

/** Whether this is an engine of WebKit, whose WebTransport isn't used yet. */
export function isWebKit(userAgent: string): boolean {
  return /AppleWebKit/.test(userAgent) && !/Chrom(e|ium)|Edg|OPR/.test(userAgent);
}
