/** Staying at the end while new lines come, or at what is read while it isn't the end. */

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Row } from "./rows.ts";

/** That near the end counts as there. */
const END_WITHIN_PX = 32;
/** A jump takes some frames, in which the end may still be in sight. */
const HELD_MS = 400;
/** What moves within this time of a touch is moved by it. */
const TOUCHED_MS = 400;
/** Lines that changed have found their places after this time. */
const SETTLED_MS = 400;
const TOUCHES = ["wheel", "touchmove", "pointerdown"] as const;

interface Parts {
  rows: readonly Row[];
  list: RefObject<VirtualizerHandle | null>;
  scroller: RefObject<HTMLDivElement | null>;
  onAtEnd: (isAtEnd: boolean) => void;
  /** What the user has just sent and isn't a line yet: a larger number brings the end into sight. */
  sent: number;
  /** The end of the list isn't that of the conversation: it isn't followed. */
  isOff: boolean;
}

/** Follows the end of a list. */
export function useFollowing({ rows, list, scroller, onAtEnd, sent, isOff }: Parts) {
  const isAtEnd = useRef(true);
  const isPlaced = useRef(false);
  const heldUntil = useRef(0);
  const lastKey = useRef<string>(undefined);
  const lastTop = useRef(0);
  const changedMs = useRef(Number.NEGATIVE_INFINITY);
  const touchedMs = useRef(Number.NEGATIVE_INFINITY);
  const [isAway, setAway] = useState(false);
  const [leftAt, setLeftAt] = useState(() => Date.now());

  const measure = useCallback(() => {
    const element = scroller.current;
    if (!element || performance.now() < heldUntil.current) return;
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    // What is followed is left by scrolling up only. New lines are taller than they were thought to be, and what
    // stood behind the last of them may go, which moves the view up as well for a moment.
    const nowMs = performance.now();
    const isByUser = nowMs - touchedMs.current < TOUCHED_MS || nowMs - changedMs.current > SETTLED_MS;
    const isUpward = element.scrollTop < lastTop.current && isByUser;
    lastTop.current = element.scrollTop;
    const isNow = !isOff && (rest <= END_WITHIN_PX || (isAtEnd.current && !isUpward));
    if (isNow && rest > END_WITHIN_PX) element.scrollTop = element.scrollHeight;
    if (!isNow && isAtEnd.current) setLeftAt(Date.now());
    isAtEnd.current = isNow;
    setAway(!isNow);
    onAtEnd(isNow);
  }, [scroller, onAtEnd, isOff]);

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
    const end = rows.at(-1);
    if (!end || end.type === "top") return;
    const isNew = end.key !== lastKey.current;
    const isOwnNew = isNew && end.type === "message" && end.message.seq === undefined;
    lastKey.current = end.key;
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

  // biome-ignore lint/correctness/useExhaustiveDependencies: each change of them counts.
  useLayoutEffect(() => {
    changedMs.current = performance.now();
  }, [rows, sent]);

  const sentBefore = useRef(sent);
  useLayoutEffect(() => {
    const isMore = sent > sentBefore.current;
    sentBefore.current = sent;
    if (!isMore) return;
    isAtEnd.current = true;
    toEnd();
  }, [sent, toEnd]);

  // A line that grows, or a pane that becomes smaller, doesn't push the end out of sight.
  useEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) toEnd();
      measure();
    });
    observer.observe(element);
    for (const part of element.children) observer.observe(part);
    const ended = new AbortController();
    const touch = () => {
      touchedMs.current = performance.now();
    };
    for (const name of TOUCHES)
      element.addEventListener(name, touch, { passive: true, signal: ended.signal });
    return () => {
      ended.abort();
      observer.disconnect();
    };
  }, [scroller, toEnd, measure]);

  const missed = isAway
    ? rows.filter((row) => row.type === "message" && !row.message.isOwn && row.message.atMs > leftAt).length
    : 0;
  return { isAway, missed, toEnd, letGo, handleScroll: measure };
}
