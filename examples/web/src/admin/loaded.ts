/** What is asked of the server for as long as a component stands. */

import type { CallOptions } from "@parlour/client";
import { allOf, type Page } from "@parlour/client/admin";
import { useCallback, useEffect, useRef, useState } from "react";

/** An answer, or what stands in its place. */
export interface Loaded<T> {
  /** What was answered last; absent before. */
  readonly value: T | undefined;
  /** Why there is no newer one. */
  readonly failure: unknown;
  /** More of it is on its way. */
  readonly isLoading: boolean;
  /** Asks again; what is there stays until the answer comes. */
  readonly reload: () => void;
}

type Tell<T> = (value: T, isComplete: boolean) => void;

/** Runs `work` anew when `key` is another, or `reload` is called. */
function useWork<T>(work: (signal: AbortSignal, tell: Tell<T>) => Promise<void>, key: string): Loaded<T> {
  const [state, setState] = useState<{ key: string; value?: T; failure?: unknown; isLoading: boolean }>({
    key,
    isLoading: true,
  });
  const [times, setTimes] = useState(0);
  const newest = useRef(work);
  newest.current = work;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another number is another look.
  useEffect(() => {
    const ended = new AbortController();
    setState((before) => (before.key === key ? { ...before, isLoading: true } : { key, isLoading: true }));
    const tell: Tell<T> = (value, isComplete) => {
      if (!ended.signal.aborted) setState({ key, value, isLoading: !isComplete });
    };
    newest.current(ended.signal, tell).catch((failure: unknown) => {
      if (!ended.signal.aborted) setState((before) => ({ ...before, failure, isLoading: false }));
    });
    return () => ended.abort();
  }, [key, times]);
  const reload = useCallback(() => setTimes((before) => before + 1), []);
  const { value, failure, isLoading } = state.key === key ? state : { isLoading: true };
  return { value, failure, isLoading, reload };
}

/** The answer of one call. */
export function useLoaded<T>(load: (options: CallOptions) => Promise<T>, key = ""): Loaded<T> {
  return useWork<T>(async (signal, tell) => tell(await load({ signal }), true), key);
}

/** All of a list that comes in pages: its beginning at once, the rest as it comes. */
export function useAll<T>(first: (options: CallOptions) => Promise<Page<T>>, key = ""): Loaded<readonly T[]> {
  const isKnown = useRef<string>(undefined);
  return useWork<readonly T[]>(async (signal, tell) => {
    const all: T[] = [];
    for await (const items of allOf(await first({ signal }), { signal })) {
      all.push(...items);
      // What is there already isn't taken away only to come again.
      if (isKnown.current !== key) tell([...all], false);
    }
    isKnown.current = key;
    tell(all, true);
  }, key);
}

/** Asks again and again while the page is looked at; what is under way comes to its end. */
export function useEvery(ms: number, loaded: Loaded<unknown>): void {
  const newest = useRef(loaded);
  newest.current = loaded;
  useEffect(() => {
    const timer = setInterval(() => {
      const { isLoading, reload } = newest.current;
      if (document.visibilityState === "visible" && !isLoading) reload();
    }, ms);
    return () => clearInterval(timer);
  }, [ms]);
}
