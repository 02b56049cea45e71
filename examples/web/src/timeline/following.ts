/** Staying at the end while new lines come, or at what is read while it isn't the end. */

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Row } from "./rows.ts";

/** That near the end counts as there. */
const END_WITHIN_PX = 32;
/** A jump takes some frames, in which the end may still be in sight. */
const HELD_MS = 400;

interface Parts {
  rows: readonly Row[];
  list: RefObject<VirtualizerHandle | null>;
  scroller: RefObject<HTMLDivElement | null>;
  onAtEnd: (isAtEnd: boolean) => void;
}

/** Follows the end of a list. */
export function useFollowing({ rows, list, scroller, onAtEnd }: Parts) {
  const isAtEnd = useRef(true);
  const isPlaced = useRef(false);
  const heldUntil = useRef(0);
  const lastKey = useRef<string>(undefined);
  const [isAway, setAway] = useState(false);
  const [leftAt, setLeftAt] = useState(() => Date.now());

  const measure = useCallback(() => {
    const element = scroller.current;
    if (!element || performance.now() < heldUntil.current) return;
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    const isNow = rest <= END_WITHIN_PX;
    if (!isNow && isAtEnd.current) setLeftAt(Date.now());
    isAtEnd.current = isNow;
    setAway(!isNow);
    onAtEnd(isNow);
  }, [scroller, onAtEnd]);

  const toEnd = useCallback(() => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, [scroller]);

  const letGo = useCallback(() => {
    isAtEnd.current = false;
    isPlaced.current = true;
    heldUntil.current = performance.now() + HELD_MS;
    setTimeout(measure, HELD_MS + 1);
    setAway(true);
    setLeftAt(Date.now());
    onAtEnd(false);
  }, [onAtEnd, measure]);

  // The first time: at the unread line, else at the end. Afterwards: at the end where it was followed.
  useLayoutEffect(() => {
    const last = rows.at(-1);
    if (!last || last.type === "top") return;
    const isNew = last.key !== lastKey.current;
    const isOwnNew = isNew && last.type === "message" && last.message.seq === undefined;
    lastKey.current = last.key;
    if (!isPlaced.current) {
      isPlaced.current = true;
      const unread = rows.findIndex((row) => row.type === "unread");
      if (unread > 2) {
        isAtEnd.current = false;
        heldUntil.current = performance.now() + HELD_MS;
        setTimeout(measure, HELD_MS + 1);
        list.current?.scrollToIndex(unread, { align: "start", offset: -80 });
        return;
      }
    } else if (!isAtEnd.current && !isOwnNew) return;
    isAtEnd.current = true;
    list.current?.scrollToIndex(rows.length - 1, { align: "end" });
    requestAnimationFrame(() => {
      if (isAtEnd.current) toEnd();
    });
  }, [rows, list, measure, toEnd]);

  // A line that grows, or a pane that becomes smaller, doesn't push the end out of sight.
  useEffect(() => {
    const element = scroller.current;
    const inner = element?.children[1];
    if (!element || !inner) return undefined;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) toEnd();
      measure();
    });
    observer.observe(element);
    observer.observe(inner);
    return () => observer.disconnect();
  }, [scroller, toEnd, measure]);

  const missed = isAway
    ? rows.filter((row) => row.type === "message" && !row.message.isOwn && row.message.atMs > leftAt).length
    : 0;
  return { isAway, missed, toEnd, letGo, handleScroll: measure };
}
