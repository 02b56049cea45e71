/** The emoji picker: search, groups, arrow keys. */

import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { VList, type VListHandle } from "virtua";
import type { Key } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import { EmojiFace, useOwnEmoji } from "./own.tsx";
import { recentEmoji, rememberEmoji } from "./recent.ts";
import { EMOJI, searchEmoji } from "./search.ts";

const COLUMNS = 9;
const FOUND_MAX = 90;

/** Groups of Unicode, by number, with an emoji that stands for each. */
const GROUPS: readonly { group: number; label: Key; sign: string }[] = [
  { group: 0, label: "emoji.smileys", sign: "🙂" },
  { group: 1, label: "emoji.people", sign: "👋" },
  { group: 3, label: "emoji.nature", sign: "🌿" },
  { group: 4, label: "emoji.food", sign: "🍋" },
  { group: 5, label: "emoji.travel", sign: "🚲" },
  { group: 6, label: "emoji.activities", sign: "⚽" },
  { group: 7, label: "emoji.objects", sign: "💡" },
  { group: 8, label: "emoji.symbols", sign: "☑️" },
  { group: 9, label: "emoji.flags", sign: "🏁" },
];

interface Cell {
  emoji: string;
  name: string;
}

type Line = { type: "label"; label: Key } | { type: "cells"; cells: Cell[] };

const nameOf = new Map(EMOJI.map(({ emoji, names }) => [emoji, names[0] ?? ""]));
const cellOf = (emoji: string): Cell => ({ emoji, name: nameOf.get(emoji) ?? emoji.replaceAll(":", "") });

function chunk(cells: Cell[]): Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < cells.length; at += COLUMNS)
    lines.push({ type: "cells", cells: cells.slice(at, at + COLUMNS) });
  return lines;
}

/** Of all that are the organization's own, those whose names contain what is searched for. */
function ownCells(names: readonly string[], query: string): Cell[] {
  const wanted = query.toLowerCase().replace(/[\s-]+/g, "_");
  return names.filter((name) => name.includes(wanted)).map((name) => ({ emoji: `:${name}:`, name }));
}

function linesOf(query: string, names: readonly string[]): Line[] {
  const own = ownCells(names, query);
  if (query) return chunk([...own, ...searchEmoji(query, FOUND_MAX).map(({ emoji }) => cellOf(emoji))]);
  const groups = GROUPS.flatMap(({ group, label }): Line[] => [
    { type: "label", label },
    ...chunk(EMOJI.filter((it) => it.group === group).map(({ emoji }) => cellOf(emoji))),
  ]);
  const ownLines: Line[] = own.length > 0 ? [{ type: "label", label: "emoji.own" }, ...chunk(own)] : [];
  return [
    { type: "label", label: "emoji.recent" },
    ...chunk(recentEmoji().map(cellOf)),
    ...ownLines,
    ...groups,
  ];
}

/** The picker; it is in the bundle's chunk of its own. */
export default function Picker({ onPick }: { onPick: (emoji: string) => void }) {
  const { t } = useText();
  const [query, setQuery] = useState("");
  const list = useRef<VListHandle>(null);
  const own = useOwnEmoji();
  const lines = useMemo(() => linesOf(query, [...own.keys()].sort()), [query, own]);
  const [first] = lines.flatMap((line) => (line.type === "cells" ? line.cells : []));
  const pick = (emoji: string) => {
    rememberEmoji(emoji);
    onPick(emoji);
  };
  return (
    <div className="picker-box">
      <input
        type="search"
        className="field"
        value={query}
        placeholder={t("emoji.search")}
        aria-label={t("emoji.search")}
        onChange={(event) => setQuery(event.target.value)}
        onKeyDown={(event) => event.key === "Enter" && first && pick(first.emoji)}
      />
      {!query && (
        <nav className="picker-groups" aria-label={t("emoji.groups")}>
          {GROUPS.map(({ label, sign }) => (
            <button
              key={label}
              type="button"
              aria-label={t(label)}
              title={t(label)}
              onClick={() =>
                list.current?.scrollToIndex(
                  lines.findIndex((it) => it.type === "label" && it.label === label),
                )
              }
            >
              {sign}
            </button>
          ))}
        </nav>
      )}
      {lines.length === 0 && <p className="picker-wait">{t("emoji.none")}</p>}
      <VList ref={list} className="picker-list" onKeyDown={move}>
        {lines.map((line, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines are what stands at their places.
          <LineView key={at} line={line} onPick={pick} />
        ))}
      </VList>
    </div>
  );
}

function LineView({ line, onPick }: { line: Line; onPick: (emoji: string) => void }) {
  const { t } = useText();
  if (line.type === "label") return <h3 className="picker-label">{t(line.label)}</h3>;
  return (
    <div className="picker-line">
      {line.cells.map(({ emoji, name }) => (
        <button key={emoji} type="button" title={`:${name}:`} aria-label={name} onClick={() => onPick(emoji)}>
          <EmojiFace emoji={emoji} size="1.5rem" />
        </button>
      ))}
    </div>
  );
}

/** Arrow keys go from emoji to emoji. */
function move(event: KeyboardEvent<HTMLElement>): void {
  const isRtl = document.documentElement.dir === "rtl";
  const steps: Record<string, number> = {
    ArrowRight: isRtl ? -1 : 1,
    ArrowLeft: isRtl ? 1 : -1,
    ArrowDown: COLUMNS,
    ArrowUp: -COLUMNS,
  };
  const step = steps[event.key];
  if (step === undefined) return;
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  buttons[at + step]?.focus();
  event.preventDefault();
}
