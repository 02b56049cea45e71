/** Options of calls. */

/** What can be said about a call. */
export interface CallOptions {
  /** Gives the call up. It may have taken effect all the same. */
  signal?: AbortSignal | undefined;
}
