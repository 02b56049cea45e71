/** A timeline for as long as a component looks at it. */

import type { Room, Timeline, TimelineItem } from "@parlour/client";
import { timelineAround } from "@parlour/client/history";
import { useEffect, useState, useSyncExternalStore } from "react";

/** What the view needs of a timeline; the SDK's has it. */
export interface TimelineSource {
  readonly items: readonly TimelineItem[];
  readonly isAtStart: boolean;
  subscribe(onChange: () => void): () => void;
  loadOlder(limit?: number): Promise<boolean>;
  /** Of one that doesn't begin at the end: adds a page behind the last line; `false` when nothing comes behind it. */
  loadNewer?(limit?: number): Promise<boolean>;
  /** Whether nothing comes behind the last line but for what is new. */
  readonly isAtEnd?: boolean;
}

/** Opens a room's timeline, or that of a thread of it, and closes it afterwards. */
export function useTimeline(room: Room, root?: number): Timeline | undefined {
  const [opened, setOpened] = useState<{ room: Room; root: number | undefined; timeline: Timeline }>();
  useEffect(() => {
    let isOver = false;
    let timeline: Timeline | undefined;
    const opening = root === undefined ? room.timeline() : room.thread(root).timeline();
    opening.then(
      (it) => {
        timeline = it;
        if (isOver) it.close();
        else setOpened({ room, root, timeline: it });
      },
      () => undefined,
    );
    return () => {
      isOver = true;
      timeline?.close();
    };
  }, [room, root]);
  return opened?.room === room && opened.root === root ? opened.timeline : undefined;
}

const AROUND = 80;

/** What is shown of a room, and whether the message that was asked for is in it, or can't be had. */
export interface Looked {
  readonly source: TimelineSource | undefined;
  readonly isThere: boolean;
  /** Which source it is: another one is another list. */
  readonly key: string;
}

type Excerpt = Awaited<ReturnType<typeof timelineAround>>;

/** The room's timeline, or, for a message that isn't loaded there, a piece of its history around that. */
export function useTimelineAt(room: Room, live: Timeline | undefined, at: number | undefined): Looked {
  const [excerpt, setExcerpt] = useState<{ of: Excerpt; at: number }>();
  const [settledAt, setSettledAt] = useState<number>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is asked for decides, not what comes meanwhile.
  useEffect(() => {
    if (!live || at === undefined) {
      setExcerpt(undefined);
      return undefined;
    }
    if (reaches(live, at)) setExcerpt(undefined);
    if (reaches(live, at) || (excerpt && holds(excerpt.of, at))) {
      setSettledAt(at);
      return undefined;
    }
    const ended = new AbortController();
    timelineAround(room, at, { limit: AROUND, signal: ended.signal }).then(
      (it) => {
        if (ended.signal.aborted) return it.close();
        setExcerpt({ of: it, at });
        setSettledAt(at);
      },
      // Without a connection what is kept on this device is looked through.
      () => ended.signal.aborted || setSettledAt(at),
    );
    return () => ended.abort();
  }, [room, live, at]);
  useEffect(() => () => excerpt?.of.close(), [excerpt]);
  const shown = at === undefined ? undefined : excerpt;
  return {
    source: shown?.of ?? live,
    isThere: at === undefined || settledAt === at,
    key: shown ? `around ${shown.at}` : "live",
  };
}

function firstSeqOf({ items }: TimelineSource): number | undefined {
  return items.find(({ place }) => place.in === "log")?.place.number;
}

function reaches(source: TimelineSource, seq: number): boolean {
  return source.isAtStart || (firstSeqOf(source) ?? Number.POSITIVE_INFINITY) <= seq;
}

function holds(excerpt: Excerpt, seq: number): boolean {
  const last = excerpt.items.findLast(({ place }) => place.in === "log")?.place.number ?? 0;
  return reaches(excerpt, seq) && last >= seq;
}

/** The lines of a timeline. */
export function useItems(source: TimelineSource): readonly TimelineItem[] {
  return useSyncExternalStore(source.subscribe, () => source.items);
}
