/** Addresses of blobs that were fetched, kept while they are shown and a while longer. */

import type { Client } from "@parlour/client";
import { useEffect, useState } from "react";

const KEPT_MAX = 500;
const KEPT_BYTES_MAX = 96 * 1024 * 1024;

interface Kept {
  readonly url: Promise<string>;
  /** The same, once it is there. */
  address: string | undefined;
  bytes: number;
  users: number;
}

/** What was fetched, the last used at the end. */
export class BlobUrls {
  private readonly kept = new Map<string, Kept>();
  private bytes = 0;

  /** The address for a key, if it is there already. */
  peek(key: string): string | undefined {
    return this.kept.get(key)?.address;
  }

  /**
   * The address for a key; fetched where it isn't there. Hold it as long as it is shown. What couldn't be fetched is
   * fetched again when it is asked for again, but not within the pause.
   */
  get(key: string, load: () => Promise<Blob>, pauseMs = 0): Promise<string> {
    const known = this.kept.get(key);
    if (known) {
      this.kept.delete(key);
      this.kept.set(key, known);
      return known.url;
    }
    const url = load().then((blob) => this.address(kept, blob));
    const kept: Kept = { url, address: undefined, bytes: 0, users: 0 };
    this.kept.set(key, kept);
    const forget = () => this.kept.get(key) === kept && this.kept.delete(key);
    url.catch(() => (pauseMs > 0 ? setTimeout(forget, pauseMs) : forget()));
    return url;
  }

  /** Takes over what needn't be fetched. */
  put(key: string, blob: Blob): void {
    if (!this.kept.has(key)) void this.get(key, async () => blob);
  }

  /** Keeps an address until the function that comes back is called. */
  hold(key: string): () => void {
    const kept = this.kept.get(key);
    if (!kept) return () => undefined;
    kept.users += 1;
    return () => {
      kept.users -= 1;
      this.trim();
    };
  }

  /** Forgets all of them. */
  clear(): void {
    for (const { url } of this.kept.values()) void url.then(URL.revokeObjectURL, () => undefined);
    this.kept.clear();
    this.bytes = 0;
  }

  private address(kept: Kept, blob: Blob): string {
    kept.bytes = blob.size;
    this.bytes += blob.size;
    kept.address = URL.createObjectURL(blob);
    this.trim();
    return kept.address;
  }

  private trim(): void {
    for (const [key, { users, bytes, url }] of this.kept) {
      if (this.kept.size <= KEPT_MAX && this.bytes <= KEPT_BYTES_MAX) return;
      if (users > 0 || bytes === 0) continue;
      this.kept.delete(key);
      this.bytes -= bytes;
      void url.then(URL.revokeObjectURL);
    }
  }
}

let last: { client: Client; urls: BlobUrls } | undefined;

/** Those of a client; those of the client before are gone. */
export function blobUrls(client: Client): BlobUrls {
  if (last?.client === client) return last.urls;
  last?.urls.clear();
  last = { client, urls: new BlobUrls() };
  return last.urls;
}

/** What is there of a picture. */
export interface Fetched {
  readonly url: string | undefined;
  readonly isFailed: boolean;
}

const NOTHING: Fetched = { url: undefined, isFailed: false };

/** The address for a key, once it is there; none is fetched without a key. */
export function useBlobUrl(
  client: Client,
  key: string | undefined,
  load: () => Promise<Blob>,
  pauseMs?: number,
): Fetched {
  const [fetched, setFetched] = useState<Fetched & { key?: string }>(NOTHING);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says what is fetched.
  useEffect(() => {
    if (key === undefined) return undefined;
    const urls = blobUrls(client);
    let isOver = false;
    const coming = urls.get(key, load, pauseMs);
    const release = urls.hold(key);
    coming.then(
      (url) => !isOver && setFetched({ key, url, isFailed: false }),
      () => !isOver && setFetched({ key, url: undefined, isFailed: true }),
    );
    return () => {
      isOver = true;
      release();
    };
  }, [client, key]);
  if (fetched.key === key) return fetched;
  // What was shown before is there at the first drawing, so that nothing flickers.
  const url = key === undefined ? undefined : blobUrls(client).peek(key);
  return url === undefined ? NOTHING : { url, isFailed: false };
}
