/** Reading older lines, and newer ones, before the user comes to the first or the last one that is there. */

import { type RefObject, useCallback, useEffect, useRef } from "react";
import type { VirtualizerHandle } from "virtua";
import type { TimelineSource } from "../sdk/timeline.ts";
import type { Row } from "./rows.ts";

const BEFORE_PX = 1200;
const PAGE = 100;
const AGAIN_AFTER_MS = 2000;

interface Parts {
  source: TimelineSource;
  rows: readonly Row[];
  list: RefObject<VirtualizerHandle | null>;
}

/** Reads history as it is scrolled to. */
export function useHistory({ source, rows, list }: Parts) {
  const isReading = useRef(false);
  const handleScroll = useCallback(() => {
    const handle = list.current;
    if (!handle || isReading.current) return;
    const rest = handle.scrollSize - handle.scrollOffset - handle.viewportSize;
    const isOlder = !source.isAtStart && handle.scrollOffset <= BEFORE_PX;
    const isNewer = source.isAtEnd === false && rest <= BEFORE_PX;
    const reading = isOlder ? source.loadOlder(PAGE) : isNewer ? source.loadNewer?.(PAGE) : undefined;
    if (!reading) return;
    isReading.current = true;
    reading
      .catch(() => new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS)))
      .finally(() => {
        isReading.current = false;
      });
  }, [source, list]);
  // What is there may not fill the view.
  // biome-ignore lint/correctness/useExhaustiveDependencies: new rows may be too few as well.
  useEffect(() => {
    const frame = requestAnimationFrame(handleScroll);
    return () => cancelAnimationFrame(frame);
  }, [handleScroll, rows]);
  return { handleScroll };
}
