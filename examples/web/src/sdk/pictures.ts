/** Pictures of people and rooms by their hashes, as addresses that an `img` takes. They are the same for ever. */

import type { Room } from "@parlour/client";
import { picture } from "@parlour/client/files";
import { useBlobUrl } from "./blob-urls.ts";
import { useSigned } from "./context.tsx";

/** Initials stand in the place of one that couldn't be fetched, so long before it is asked for again. */
const PAUSE_MS = 20_000;
const BYTES_MAX = 5 * 1024 * 1024;

/** The address of a picture; absent until it is there. A room's is asked of the room. */
export function usePicture(hash: string | undefined, room?: Room): string | undefined {
  const { client } = useSigned();
  const load = () => picture(room ?? client, hash ?? "", { bytesMax: BYTES_MAX });
  return useBlobUrl(client, hash && `picture ${hash}`, load, PAUSE_MS).url;
}
