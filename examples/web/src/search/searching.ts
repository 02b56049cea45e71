/** What is searched for, kept while the app is open: the panel is as it was when it is opened again. */

import type { RoomId, User } from "@parlour/client";
import { type Hit, type Search, type SearchPage, search } from "@parlour/client/search";
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useClient } from "../sdk/context.tsx";
import { dayStartOf, parseQuery } from "./query.ts";

/** What the panel asks for. */
export interface Wanted {
  readonly query: string;
  /** The only room, or all of them. */
  readonly room: RoomId | undefined;
  /** The only thread of that room. */
  readonly root: number | undefined;
  readonly from: readonly User[];
  readonly hasFile: boolean;
  readonly hasLink: boolean;
  /** Days as the browser's date fields have them: the first, and the last. */
  readonly after: string;
  readonly before: string;
  readonly order: "newest" | "relevance";
}

interface Searching {
  readonly isOpen: boolean;
  readonly wanted: Wanted;
  /** Grows when somebody opens it, so that the field gets the focus again. */
  readonly times: number;
}

const NOTHING: Wanted = {
  query: "",
  room: undefined,
  root: undefined,
  from: [],
  hasFile: false,
  hasLink: false,
  after: "",
  before: "",
  order: "newest",
};

const listeners = new Set<() => void>();
let now: Searching = { isOpen: false, wanted: NOTHING, times: 0 };

function set(next: Searching): void {
  now = next;
  for (const listener of [...listeners]) listener();
}

function subscribe(onChange: () => void): () => void {
  listeners.add(onChange);
  return () => listeners.delete(onChange);
}

/** Opens the panel: for a room, a thread of it, or with what it had. */
export function openSearch(where?: { room: RoomId | undefined; root?: number | undefined }): void {
  const wanted = where ? { ...now.wanted, room: where.room, root: where.root } : now.wanted;
  set({ isOpen: true, wanted, times: now.times + 1 });
}

/** Closes it; what was searched for stays. */
export function closeSearch(): void {
  set({ ...now, isOpen: false });
}

/** Asks for something else. */
export function want(change: Partial<Wanted>): void {
  set({ ...now, wanted: { ...now.wanted, ...change } });
}

/** Forgets what was searched for. */
export function forgetSearch(): void {
  set({ isOpen: false, wanted: NOTHING, times: now.times });
}

/** The panel's state, drawn anew when it changes. */
export function useSearching(): Searching {
  return useSyncExternalStore(subscribe, () => now);
}

const DAY_MS = 86_400_000;

/** What the server is asked for; nothing where nothing is asked for. */
export function requestOf(wanted: Wanted): Search | undefined {
  const asked = parseQuery(wanted.query);
  const hasFile = wanted.hasFile || asked.hasFile;
  const hasLink = wanted.hasLink || asked.hasLink;
  const isEnough = asked.text || asked.phrases.length > 0 || hasFile || hasLink || wanted.from.length > 0;
  if (!isEnough) return undefined;
  const lastDay = dayStartOf(wanted.before);
  const afterMs = dayStartOf(wanted.after) ?? asked.afterMs;
  // The day that is chosen is one of those searched.
  const beforeMs =
    lastDay === undefined ? asked.beforeMs : new Date(lastDay + DAY_MS * 1.5).setHours(0, 0, 0, 0);
  return {
    text: asked.text,
    phrases: asked.phrases,
    isTyping: asked.text !== "" && !/\s$/.test(wanted.query),
    rooms: wanted.room ? [wanted.room] : [],
    senders: wanted.from.map(({ id }) => id),
    hasFile,
    hasLink,
    order: wanted.order,
    limit: PAGE,
    ...(wanted.room && wanted.root ? { threadRoot: wanted.root } : {}),
    ...(afterMs !== undefined ? { afterMs } : {}),
    ...(beforeMs !== undefined ? { beforeMs } : {}),
  };
}

const PAGE = 25;
const AFTER_MS = 220;

/** What was found so far. */
export interface Found {
  readonly hits: readonly Hit[];
  readonly isBuilding: boolean;
  readonly isLoading: boolean;
  readonly error: unknown;
  /** Fetches more, where there is more. */
  readonly more: (() => void) | undefined;
}

interface Got {
  hits: readonly Hit[];
  last: SearchPage | undefined;
  isLoading: boolean;
  error: unknown;
}

const EMPTY: Got = { hits: [], last: undefined, isLoading: false, error: undefined };

/** Searches while this stands; nothing is there where nothing is asked for. */
export function useFound(wanted: Wanted): Found | undefined {
  const client = useClient();
  const [got, setGot] = useState<Got>(EMPTY);
  const ended = useRef(new AbortController());
  const request = requestOf(wanted);
  const key = request && JSON.stringify(request);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says what is asked for.
  useEffect(() => {
    const mine = new AbortController();
    ended.current = mine;
    if (!request) {
      setGot(EMPTY);
      return undefined;
    }
    setGot((before) => ({ ...before, isLoading: true, error: undefined }));
    const timer = setTimeout(() => {
      search(client, request, { signal: mine.signal }).then(
        (page) => setGot({ hits: page.hits, last: page, isLoading: false, error: undefined }),
        (error: unknown) => mine.signal.aborted || setGot({ ...EMPTY, error }),
      );
    }, AFTER_MS);
    return () => {
      clearTimeout(timer);
      mine.abort();
    };
  }, [client, key]);
  const more = useCallback(() => {
    const { signal } = ended.current;
    setGot((before) => ({ ...before, isLoading: true }));
    got.last?.next?.({ signal }).then(
      (page) =>
        setGot(({ hits }) => ({
          hits: [...hits, ...page.hits],
          last: page,
          isLoading: false,
          error: undefined,
        })),
      (error: unknown) => signal.aborted || setGot((before) => ({ ...before, isLoading: false, error })),
    );
  }, [got.last]);
  if (!request) return undefined;
  const { hits, last, isLoading, error } = got;
  return { hits, isBuilding: last?.isBuilding ?? false, isLoading, error, more: last?.next && more };
}
