/** What uploads and downloads have in common: they go on where they were after a cut, and take turns. */

import { FrameError } from "../../codec/frame.js";
import { Malformed } from "../../codec/wire.js";
import { ParlourError } from "../../errors.js";
import { TRANSFER_AGAIN_AFTER_MS, TRANSFER_CUTS_MAX, TRANSFERS_AT_ONCE } from "../../limits.js";
import type { Driver } from "../driver.js";
import type { Link } from "../link.js";
import { Cut } from "./lane.js";

/** Options of transfers. */
export interface TransferOptions {
  /** Gives the transfer up. */
  signal?: AbortSignal | undefined;
  /** Hears how many bytes have gone or come of how many. */
  onProgress?: (bytes: number, size: number) => void;
}

/** How many run, and who waits. */
const running = new WeakMap<Driver, { count: number; waiting: (() => void)[] }>();

async function takeTurn(driver: Driver): Promise<() => void> {
  const turns = running.get(driver) ?? { count: 0, waiting: [] };
  running.set(driver, turns);
  if (turns.count >= TRANSFERS_AT_ONCE) await new Promise<void>((resolve) => turns.waiting.push(resolve));
  else turns.count += 1;
  return () => {
    const next = turns.waiting.shift();
    if (next) next();
    else turns.count -= 1;
  };
}

/** Tries on one connection after the other, until it is through. `progress` says how far it is. */
export async function persist<T>(
  driver: Driver,
  signal: AbortSignal | undefined,
  progress: () => number,
  attempt: (link: Link) => Promise<T>,
): Promise<T> {
  const done = await takeTurn(driver);
  try {
    for (let cuts = 0, before = progress(); ; before = progress()) {
      signal?.throwIfAborted();
      const link = await driver.whenLive(signal);
      try {
        return await attempt(link);
      } catch (error) {
        signal?.throwIfAborted();
        cuts = progress() > before ? 1 : cuts + 1;
        await pause(waitAfter(error, cuts), signal);
      }
    }
  } finally {
    done();
  }
}

/** How long to wait before it goes on; throws what can't. */
function waitAfter(error: unknown, cuts: number): number {
  if (error instanceof Malformed || error instanceof FrameError)
    throw new ParlourError("malformed", { cause: error });
  const isForNow =
    error instanceof ParlourError && (error.retry === "AFTER_DELAY" || error.retry === "RECONNECT");
  if (!(error instanceof Cut) && !isForNow) throw error;
  if (cuts > TRANSFER_CUTS_MAX) throw error instanceof Cut ? new ParlourError("cut-off") : error;
  const ownMs = TRANSFER_AGAIN_AFTER_MS * 2 ** (cuts - 1);
  return error instanceof ParlourError ? Math.max(error.retryAfterMs, ownMs) : ownMs;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort);
  });
}

/** The SHA-256 of some bytes; `undefined` where a page may not compute it. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const digest = await globalThis.crypto.subtle?.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return digest && new Uint8Array(digest);
}
