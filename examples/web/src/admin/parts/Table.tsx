/**
 * A table with pages: each row is opened by a button in its first column. The arrows go from row to row, `Home` and
 * `End` to the ends, `Page Up` and `Page Down` turn the page.
 */

import { ChevronDown, ChevronLeft, ChevronRight, ChevronUp } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { IconButton } from "../../ui/Button.tsx";
import { useAdminText } from "../text.ts";

const PAGE = 50;

/** A column. */
export interface Column<T> {
  readonly id: string;
  readonly label: string;
  readonly cell: (row: T) => ReactNode;
  /** By what it can be sorted. */
  readonly sort?: (a: T, b: T) => number;
  /** Left out where there is little room. */
  readonly isExtra?: boolean;
  readonly isNumber?: boolean;
}

interface Props<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** The row that is open beside the table. */
  opened?: string | undefined;
  onOpen?: (row: T) => void;
  /** What stands there without rows. */
  empty: ReactNode;
  /** What is after the page's numbers, such as that more is on its way. */
  foot?: ReactNode;
}

/** The table. */
export function Table<T>({ label, columns, rows, keyOf, opened, onOpen, empty, foot }: Props<T>) {
  const { t } = useAdminText();
  const body = useRef<HTMLTableSectionElement>(null);
  const [by, setBy] = useState<{ id: string; isDown: boolean }>();
  const [wantedPage, setPage] = useState(0);
  const [at, setAt] = useState<string>();
  const pages = Math.max(Math.ceil(rows.length / PAGE), 1);
  const page = Math.min(wantedPage, pages - 1);
  const sort = columns.find(({ id }) => id === by?.id)?.sort;
  const sorted = sort ? rows.toSorted((a, b) => (by?.isDown ? sort(b, a) : sort(a, b))) : rows;
  const shown = sorted.slice(page * PAGE, (page + 1) * PAGE);
  const isTurning = useRef(false);
  const turn = (to: number) => setPage(Math.min(Math.max(to, 0), pages - 1));
  const move = (event: KeyboardEvent) => {
    const pageStep = { PageDown: 1, PageUp: -1 }[event.key];
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -PAGE, End: PAGE }[event.key];
    if (step === undefined && pageStep === undefined) return;
    event.preventDefault();
    if (pageStep !== undefined) {
      isTurning.current = true;
      return turn(page + pageStep);
    }
    const buttons = rowsIn(body.current);
    const here = buttons.indexOf(document.activeElement as HTMLElement);
    buttons[Math.min(Math.max(here + (step ?? 0), 0), buttons.length - 1)]?.focus();
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page has another first row.
  useEffect(() => {
    if (isTurning.current) rowsIn(body.current)[0]?.focus();
    isTurning.current = false;
  }, [page]);
  const focusable = shown.some((row) => keyOf(row) === at) ? at : shown[0] && keyOf(shown[0]);
  if (rows.length === 0) return <>{empty}</>;
  return (
    <>
      <table className="table" aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.id} column={column} by={by} onSort={setBy} />
            ))}
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={move}>
          {shown.map((row) => {
            const key = keyOf(row);
            return (
              // The row's button is what the keyboard has.
              <tr
                key={key}
                data-opened={opened === key || undefined}
                data-can-open={onOpen !== undefined || undefined}
                onClick={(event) => isOnRow(event.target) && onOpen?.(row)}
              >
                {columns.map(({ id, cell, isExtra, isNumber }, index) => (
                  <td key={id} data-extra={isExtra || undefined} data-number={isNumber || undefined}>
                    {index === 0 && onOpen ? (
                      <button
                        type="button"
                        className="row-open"
                        data-row
                        tabIndex={key === focusable ? 0 : -1}
                        aria-current={opened === key || undefined}
                        onFocus={() => setAt(key)}
                        onClick={() => onOpen(row)}
                      >
                        {cell(row)}
                      </button>
                    ) : (
                      cell(row)
                    )}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      <footer className="table-foot">
        <span role="status">
          {t("table.range", { from: page * PAGE + 1, to: page * PAGE + shown.length, of: rows.length })}{" "}
          {foot}
        </span>
        {pages > 1 && (
          <span className="table-pages">
            <IconButton
              icon={ChevronLeft}
              className="turn"
              label={t("table.back")}
              disabled={page === 0}
              onClick={() => turn(page - 1)}
            />
            <IconButton
              icon={ChevronRight}
              className="turn"
              label={t("table.on")}
              disabled={page === pages - 1}
              onClick={() => turn(page + 1)}
            />
          </span>
        )}
      </footer>
    </>
  );
}

function rowsIn(body: HTMLElement | null): HTMLElement[] {
  return [...(body?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
}

/** Not on something in it that does something else. */
function isOnRow(target: EventTarget): boolean {
  return target instanceof Element && target.closest("button, a, input, label") === null;
}

interface HeadProps<T> {
  column: Column<T>;
  by: { id: string; isDown: boolean } | undefined;
  onSort: (by: { id: string; isDown: boolean }) => void;
}

function Head<T>({ column, by, onSort }: HeadProps<T>) {
  const { id, label, sort, isExtra, isNumber } = column;
  const isBy = by?.id === id;
  const Icon = isBy && by.isDown ? ChevronDown : ChevronUp;
  return (
    <th
      scope="col"
      data-extra={isExtra || undefined}
      data-number={isNumber || undefined}
      aria-sort={isBy ? (by.isDown ? "descending" : "ascending") : undefined}
    >
      {sort ? (
        <button
          type="button"
          className="table-sort"
          onClick={() => onSort({ id, isDown: isBy ? !by.isDown : false })}
        >
          {label} <Icon size={13} aria-hidden className={isBy ? "" : "unsorted"} />
        </button>
      ) : (
        label
      )}
    </th>
  );
}
