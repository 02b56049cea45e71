/** Lists that the server keeps for the user: opened when they are wanted first, and up to date from then on. */

import type { Client, ObservableList } from "@parlour/client";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useClient } from "../sdk/context.tsx";

type Opening<T> = (client: Client) => Promise<T>;

interface Kept {
  readonly coming: Promise<unknown>;
  list: unknown;
}

const made = new WeakMap<Client, Map<unknown, Kept>>();
const AGAIN_AFTER_MS = 5000;

/** The list that a function opens: the same one for the whole app. */
export function kept<T>(client: Client, open: Opening<T>): Promise<T> {
  const all = made.get(client) ?? new Map<unknown, Kept>();
  made.set(client, all);
  const known = all.get(open);
  if (known) return known.coming as Promise<T>;
  const opened: Kept = {
    coming: open(client).then((list) => {
      opened.list = list;
      return list;
    }),
    list: undefined,
  };
  all.set(open, opened);
  opened.coming.catch(() => all.delete(open));
  return opened.coming as Promise<T>;
}

/** The list, where it is open already. */
export function keptNow<T>(client: Client, open: Opening<T>): T | undefined {
  return made.get(client)?.get(open)?.list as T | undefined;
}

const NOTHING: readonly never[] = [];
const never = () => () => undefined;

/** The list and what is in it, drawn anew when that changes; tried again where it couldn't be opened. */
export function useKept<I, T extends ObservableList<I>>(
  open: Opening<T & ObservableList<I>>,
): { list: T | undefined; items: readonly I[] } {
  const client = useClient();
  const [list, setList] = useState<T | undefined>(() => keptNow(client, open));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const attempt = () =>
      kept(client, open).then(
        (it) => !isOver && setList(it),
        () => {
          if (!isOver) timer = setTimeout(attempt, AGAIN_AFTER_MS);
        },
      );
    void attempt();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [client, open]);
  const items = useSyncExternalStore(list?.subscribe ?? never, () => list?.items ?? NOTHING);
  return { list, items };
}
