/** The rooms of a section. Somebody with thousands has rows only of those near the view; for the rest there is room. */

import type { RoomId } from "@parlour/client";
import { useEffect, useRef, useState } from "react";
import { RoomRow } from "./RoomRow.tsx";
import type { Placed } from "./sections.ts";

/** Rows that come and go together. */
const BLOCK_ROOMS = 40;
/** How far beyond the view they are there already. */
const NEAR = "600px 0px";

interface Props {
  rooms: readonly Placed[];
  here: RoomId | undefined;
}

/** The rows. */
export function SectionRows({ rooms, here }: Props) {
  if (rooms.length <= BLOCK_ROOMS) return <Rows rooms={rooms} here={here} />;
  const blocks = Array.from({ length: Math.ceil(rooms.length / BLOCK_ROOMS) }, (_, at) =>
    rooms.slice(at * BLOCK_ROOMS, (at + 1) * BLOCK_ROOMS),
  );
  return blocks.map((block, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a block is a place in the list, whatever stands there.
    <Block key={at} rooms={block} here={here} isFirst={at === 0} />
  ));
}

function Block({ isFirst, ...props }: Props & { isFirst: boolean }) {
  const element = useRef<HTMLDivElement>(null);
  const [isNear, setNear] = useState(isFirst);
  useEffect(() => {
    const { current } = element;
    if (!current) return undefined;
    const root = current.closest(".sidebar-list");
    const observer = new IntersectionObserver(
      (entries) => {
        // Whoever goes through the list by keyboard keeps the row they are on.
        const isLeft = !current.contains(document.activeElement);
        const isSeen = entries.at(-1)?.isIntersecting ?? false;
        if (isSeen || isLeft) setNear(isSeen);
      },
      { root, rootMargin: NEAR },
    );
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  const blockSize = `calc(${props.rooms.length} * var(--room-height))`;
  return (
    <div ref={element} style={{ minBlockSize: blockSize }}>
      {isNear && <Rows {...props} />}
    </div>
  );
}

function Rows({ rooms, here }: Props) {
  return rooms.map(({ room, depth }) => (
    <RoomRow key={room.id} room={room} depth={depth} isHere={room.id === here} />
  ));
}
