/** Searching people of the organization while somebody types. */

import type { User } from "@parlour/client";
import * as rpc from "@parlour/client/rpc";
import { useEffect, useState } from "react";
import { useSigned } from "../sdk/context.tsx";
import { usersIn } from "../sdk/users.ts";

const AFTER_MS = 120;
const FOUND_MAX = 30;

/** Who is found; those of the last query stay until the next ones come. */
export function usePeopleSearch(query: string): { people: readonly User[]; isLoading: boolean } {
  const { client, people } = useSigned();
  const [found, setFound] = useState<readonly User[]>([]);
  const [isLoading, setLoading] = useState(true);
  useEffect(() => {
    const ended = new AbortController();
    setLoading(true);
    const timer = setTimeout(() => {
      client.call(rpc.ListPeople, { query, pageSize: FOUND_MAX }, { signal: ended.signal }).then(
        ({ users }) => {
          const all = usersIn(users);
          people.learn(all);
          setFound(all);
          setLoading(false);
        },
        () => setLoading(false),
      );
    }, AFTER_MS);
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [client, people, query]);
  return { people: found, isLoading };
}
