/** Lists that the server hands out a page at a time. */

import type { CallOptions } from "../client/call.js";

/** Some of a list. */
export interface Page<T> {
  /** May be empty although there is a next page. */
  readonly items: readonly T[];
  /** The next page; absent at the end. */
  readonly next: ((options?: CallOptions) => Promise<Page<T>>) | undefined;
}

/** @internal Reads one page: from the beginning for no bytes. */
export type ReadPage<T> = (
  page: Uint8Array,
  options: CallOptions,
) => Promise<{ items: readonly T[]; nextPage: Uint8Array }>;

/** @internal The page that is read there. */
export async function pageOf<T>(
  read: ReadPage<T>,
  options: CallOptions,
  page: Uint8Array = new Uint8Array(0),
): Promise<Page<T>> {
  const { items, nextPage } = await read(page, options);
  const next = (more: CallOptions = {}) => pageOf(read, more, nextPage);
  return { items, next: nextPage.length > 0 ? next : undefined };
}

/** Everything from a page on, one page after the other: `for await (const items of allOf(await accounts(client)))`. */
export async function* allOf<T>(
  first: Page<T>,
  options: CallOptions = {},
): AsyncGenerator<readonly T[], void, undefined> {
  let page: Page<T> | undefined = first;
  while (page) {
    yield page.items;
    page = await page.next?.(options);
  }
}
