/** Pictures of people and rooms by their hashes, as addresses that an `img` takes. They are the same for ever. */

import type { Client, Room } from "@parlour/client";
import { picture } from "@parlour/client/files";
import { useEffect, useSyncExternalStore } from "react";
import { useSigned } from "./context.tsx";

const KEPT_MAX = 300;
const AGAIN_AFTER_MS = 20_000;
const BYTES_MAX = 5 * 1024 * 1024;

/** What has been fetched in one session, those looked at last at the end. */
class Pictures {
  private readonly urls = new Map<string, string>();
  private readonly asked = new Set<string>();
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (onChange: () => void): (() => void) => {
    this.listeners.add(onChange);
    return () => this.listeners.delete(onChange);
  };

  get(hash: string): string | undefined {
    return this.urls.get(hash);
  }

  async want(from: Client | Room, hash: string): Promise<void> {
    if (this.asked.has(hash)) return;
    this.asked.add(hash);
    try {
      this.keep(hash, URL.createObjectURL(await picture(from, hash, { bytesMax: BYTES_MAX })));
    } catch {
      // Initials stand there meanwhile.
      setTimeout(() => this.asked.delete(hash), AGAIN_AFTER_MS);
    }
  }

  private keep(hash: string, url: string): void {
    this.urls.set(hash, url);
    const [oldest] = this.urls;
    if (oldest && this.urls.size > KEPT_MAX) {
      this.urls.delete(oldest[0]);
      this.asked.delete(oldest[0]);
      URL.revokeObjectURL(oldest[1]);
    }
    for (const listener of [...this.listeners]) listener();
  }
}

const all = new WeakMap<Client, Pictures>();

function picturesOf(client: Client): Pictures {
  const known = all.get(client) ?? new Pictures();
  all.set(client, known);
  return known;
}

/** The address of a picture; absent until it is there. A room's is asked of the room. */
export function usePicture(hash: string | undefined, room?: Room): string | undefined {
  const { client } = useSigned();
  const pictures = picturesOf(client);
  useEffect(() => {
    if (hash) void pictures.want(room ?? client, hash);
  }, [pictures, client, room, hash]);
  return useSyncExternalStore(pictures.subscribe, () => (hash ? pictures.get(hash) : undefined));
}
