/** Getting the next token with a refresh token that may be good only once. */

/** What is needed of a session that is kept. */
export interface Renewable {
  readonly token: string;
  readonly expiresMs: number;
  /** Absent where there is none: then the session ends with its token. */
  readonly refresh?: string | undefined;
}

/** Where it is kept, and how it is renewed. */
export interface Renewal<K extends Renewable> {
  load(): Promise<K | undefined>;
  save(kept: K): Promise<void>;
  /** Asks for the next one; fails with what `isSpent` knows where the refresh token isn't good any more. */
  ask(kept: K, refresh: string): Promise<K>;
  isSpent(error: unknown): boolean;
  /** The user has to sign in again. */
  over(): Error;
}

/** A token that is good for this long is good enough. */
const SPARE_MS = 20_000;
/** So many others may have been faster. */
const TRIES = 3;

/**
 * The token at hand, or the next one where a fresh one is wanted. What comes is kept before it is used. A refresh token
 * that is spent may have been spent by another tab, which has kept the next one: that is used then.
 */
export async function currentToken<K extends Renewable>(
  renewal: Renewal<K>,
  isFresh: boolean,
): Promise<string> {
  let wantsFresh = isFresh;
  let spent: string | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    const kept = await renewal.load();
    if (!kept) break;
    if (!wantsFresh && Date.now() + SPARE_MS < kept.expiresMs) return kept.token;
    if (kept.refresh === undefined || kept.refresh === spent) break;
    try {
      const next = await renewal.ask(kept, kept.refresh);
      await renewal.save(next);
      return next.token;
    } catch (error) {
      if (!renewal.isSpent(error)) throw error;
      spent = kept.refresh;
      // What another tab has got meanwhile is fresh.
      wantsFresh = false;
    }
  }
  throw renewal.over();
}
