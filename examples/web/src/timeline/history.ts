/** Reading older lines before the user comes to the first one that is there. */

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
    if (!handle || isReading.current || source.isAtStart || handle.scrollOffset > BEFORE_PX) return;
    isReading.current = true;
    source
      .loadOlder(PAGE)
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
