/** The timeline by keyboard: arrows go from message to message, letters do something with the one that has the focus. */

import { type KeyboardEvent, type RefObject, useCallback } from "react";
import type { VirtualizerHandle } from "virtua";
import { actionsOf } from "./actions.ts";
import type { Row } from "./rows.ts";
import { useScope } from "./scope.tsx";

interface Parts {
  rows: readonly Row[];
  list: RefObject<VirtualizerHandle | null>;
  scroller: RefObject<HTMLDivElement | null>;
}

/** What the list does with keys. */
export function useMessageKeys({ rows, list, scroller }: Parts) {
  const scope = useScope();
  return useCallback(
    (event: KeyboardEvent<HTMLElement>) => {
      const target = event.target as HTMLElement;
      const isOnRow = target.matches("article[data-key]");
      if ((!isOnRow && target !== scroller.current) || event.ctrlKey || event.metaKey || event.altKey) return;
      const at = rows.findIndex((row) => row.key === target.dataset.key);
      const row = rows[at];
      const step = {
        ArrowUp: -1,
        ArrowDown: 1,
        Home: Number.NEGATIVE_INFINITY,
        End: Number.POSITIVE_INFINITY,
      }[event.key];
      if (step !== undefined) {
        event.preventDefault();
        const to = nextMessage(rows, at < 0 ? rows.length : at, step);
        if (to >= 0) focusRow(to, rows, list.current, scroller.current);
        return;
      }
      if (row?.type !== "message") return;
      const action = actionsOf(row.message, scope).find(({ shortcut }) => shortcut === event.key);
      if (action) {
        event.preventDefault();
        action.run();
      } else if (event.key === "+" || event.key === "Enter") {
        event.preventDefault();
        target.querySelector<HTMLElement>(".message-toolbar button")?.focus();
      }
    },
    [rows, list, scroller, scope],
  );
}

function nextMessage(rows: readonly Row[], from: number, step: number): number {
  const forward = step > 0;
  let at = Number.isFinite(step) ? from + step : forward ? rows.length - 1 : 0;
  const by = Number.isFinite(step) ? step : forward ? -1 : 1;
  while (at >= 0 && at < rows.length && rows[at]?.type !== "message") at += by;
  return at < rows.length ? at : -1;
}

function focusRow(
  at: number,
  rows: readonly Row[],
  list: VirtualizerHandle | null,
  scroller: HTMLElement | null,
): void {
  const find = () => scroller?.querySelector<HTMLElement>(`[data-key="${CSS.escape(rows[at]?.key ?? "")}"]`);
  list?.scrollToIndex(at, { align: "nearest" });
  const element = find();
  if (element) element.focus({ preventScroll: true });
  else requestAnimationFrame(() => requestAnimationFrame(() => find()?.focus({ preventScroll: true })));
}
