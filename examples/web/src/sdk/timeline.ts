/** A timeline for as long as a component looks at it. */

import type { Room, Timeline, TimelineItem } from "@parlour/client";
import { useEffect, useState, useSyncExternalStore } from "react";

/** What the view needs of a timeline; the SDK's has it. */
export interface TimelineSource {
  readonly items: readonly TimelineItem[];
  readonly isAtStart: boolean;
  subscribe(onChange: () => void): () => void;
  loadOlder(limit?: number): Promise<boolean>;
}

/** Opens a room's timeline, or that of a thread of it, and closes it afterwards. */
export function useTimeline(room: Room, root?: number): TimelineSource | undefined {
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

/** The lines of a timeline. */
export function useItems(source: TimelineSource): readonly TimelineItem[] {
  return useSyncExternalStore(source.subscribe, () => source.items);
}
