/** The list of a timeline: only what is seen is drawn, and what is looked at stays where it is. */

import type { Message, TimelineItem } from "@parlour/client";
import { ArrowDown } from "lucide-react";
import { type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { useText } from "../i18n/text.ts";
import { type TimelineSource, useItems } from "../sdk/timeline.ts";
import { useAnnouncedMessages } from "./announce.ts";
import { useFollowing } from "./following.ts";
import { useHistory } from "./history.ts";
import { useMessageKeys } from "./keys.ts";
import { MessageContextMenu } from "./MessageMenu.tsx";
import { MessageRow } from "./MessageRow.tsx";
import { DayRow, NoticeRow, OlderRow, UnreadRow } from "./OtherRows.tsx";
import { messageAt } from "./place.ts";
import { type Made, type Row, rowsAfter, shiftOf } from "./rows.ts";

export interface TimelineProps {
  source: TimelineSource;
  label: string;
  /** The last line before the unread ones, where an unread line is to be drawn. */
  readSeq: number | undefined;
  /** A message to scroll to, and how often that was asked for. */
  target: { seq: number; times: number } | undefined;
  /** What stands before the first line of all. */
  start: ReactNode;
  /** What stands behind the last line. */
  foot?: ReactNode;
  /** How many messages of the user's stand there. */
  sent?: number;
  /** The end of the list is, or no longer is, what the user looks at. */
  onAtEnd: (isAtEnd: boolean) => void;
  /** Goes to the newest lines, where those aren't behind the last one. */
  onNewest?: (() => void) | undefined;
}

/** A timeline. */
export function TimelineView(props: TimelineProps) {
  const { source, label, readSeq, target, start, foot, sent = 0, onAtEnd, onNewest } = props;
  const items = useItems(source);
  const rows = useRows(items, readSeq);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const [pointedAt, setPointedAt] = useState<Message>();
  const isShifted = useShift(rows);
  const following = useFollowing({ rows, list, scroller, onAtEnd, sent, isOff: source.isAtEnd === false });
  const history = useHistory({ source, rows, list });
  const found = useTarget({ source, rows, list, target, onJump: following.letGo });
  const onKeyDown = useMessageKeys({ rows, list, scroller });
  useAnnouncedMessages(items);

  const point = (element: EventTarget) => {
    const key = (element as HTMLElement).closest?.("[data-key]")?.getAttribute("data-key");
    const row = rows.find((it) => it.key === key);
    setPointedAt(row?.type === "message" ? row.message : undefined);
  };
  return (
    <div className="timeline-box">
      <MessageContextMenu message={pointedAt}>
        {/* biome-ignore lint/a11y/useSemanticElements: a section that scrolls, whose name says what it is. */}
        <div
          ref={scroller}
          className="timeline"
          role="region"
          aria-label={label}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
          tabIndex={0}
          onKeyDown={onKeyDown}
          onContextMenuCapture={(event) => point(event.target)}
          onPointerDownCapture={(event) => event.pointerType !== "mouse" && point(event.target)}
        >
          <div className="timeline-push" />
          <Virtualizer
            ref={list}
            data={rows}
            shift={isShifted}
            bufferSize={400}
            scrollRef={scroller}
            onScroll={() => {
              following.handleScroll();
              history.handleScroll();
            }}
          >
            {(row: Row) => (
              <RowView
                key={row.key}
                row={row}
                start={source.isAtStart ? start : <OlderRow />}
                quoted={
                  row.type === "message" && row.message.replyTo
                    ? messageAt(items, row.message.replyTo)
                    : undefined
                }
                isFound={row.type === "message" && row.message.seq === found}
              />
            )}
          </Virtualizer>
          <div className="timeline-foot">{foot}</div>
        </div>
      </MessageContextMenu>
      {onNewest ? (
        <ToNewest count={0} onClick={onNewest} />
      ) : (
        following.isAway && <ToNewest count={following.missed} onClick={following.toEnd} />
      )}
    </div>
  );
}

interface RowProps {
  row: Row;
  start: ReactNode;
  quoted: Message | undefined;
  isFound: boolean;
}

function RowView({ row, start, quoted, isFound }: RowProps) {
  switch (row.type) {
    case "top":
      return start;
    case "day":
      return <DayRow atMs={row.atMs} />;
    case "unread":
      return <UnreadRow />;
    case "notice":
      return <NoticeRow notice={row.notice} />;
    case "message":
      return <MessageRow message={row.message} isHead={row.isHead} quoted={quoted} isFound={isFound} />;
  }
}

function ToNewest({ count, onClick }: { count: number; onClick: () => void }) {
  const { t } = useText();
  return (
    <button type="button" className="to-newest" onClick={onClick}>
      <ArrowDown size={16} strokeWidth={2} aria-hidden />
      {count > 0 ? t("timeline.missed", { n: count }) : t("timeline.newest")}
    </button>
  );
}

/** The rows, made anew only from where something is another than before. */
function useRows(items: readonly TimelineItem[], readSeq: number | undefined): readonly Row[] {
  const last = useRef<Made>(undefined);
  const made = useMemo(() => rowsAfter(last.current, items, readSeq), [items, readSeq]);
  useEffect(() => {
    last.current = made;
  }, [made]);
  return made.rows;
}

/** Whether the rows have grown at their beginning with this drawing. */
function useShift(rows: readonly Row[]): boolean {
  const before = useRef(rows);
  const isShifted = useMemo(() => shiftOf(before.current, rows), [rows]);
  useEffect(() => {
    before.current = rows;
  }, [rows]);
  return isShifted;
}

const PAGES_MAX = 60;
const PAGE = 100;
const FOUND_FOR_MS = 2200;

interface Target extends Pick<TimelineProps, "source" | "target"> {
  rows: readonly Row[];
  list: React.RefObject<VirtualizerHandle | null>;
  onJump: () => void;
}

/** Scrolls to the message that is asked for, and reads the history up to it where it has to; says which it is. */
function useTarget({ source, rows, list, target, onJump }: Target): number | undefined {
  const [wanted, setWanted] = useState<number>();
  const [found, setFound] = useState<number>();
  useEffect(() => {
    if (!target) return undefined;
    let isOver = false;
    const seek = async () => {
      for (let page = 0; page < PAGES_MAX && !isOver; page++) {
        const first = source.items.find((item) => item.place.in === "log")?.place.number ?? 0;
        if (source.isAtStart || (first > 0 && first <= target.seq)) break;
        if (!(await source.loadOlder(PAGE))) break;
      }
      if (!isOver) setWanted(target.seq);
    };
    void seek().catch(() => undefined);
    return () => {
      isOver = true;
    };
  }, [source, target]);
  useLayoutEffect(() => {
    if (wanted === undefined) return;
    const at = rows.findIndex((row) => row.type === "message" && row.message.seq === wanted);
    if (at < 0) return;
    onJump();
    list.current?.scrollToIndex(at, { align: "center" });
    setWanted(undefined);
    setFound(wanted);
  }, [wanted, rows, list, onJump]);
  useEffect(() => {
    if (found === undefined) return undefined;
    const timer = setTimeout(() => setFound(undefined), FOUND_FOR_MS);
    return () => clearTimeout(timer);
  }, [found]);
  return found;
}
