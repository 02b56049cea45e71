/** Searching messages: what for, where, and what was found; beside the room that a result leads to. */

import type { RoomSummary } from "@parlour/client";
import { ParlourError } from "@parlour/client";
import type { Hit } from "@parlour/client/search";
import { MessageSquareText, Paperclip, Search as SearchIcon, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { go, hashOf } from "../app/route.ts";
import { momentOf, shortOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { useRoomName } from "../rooms/names.ts";
import { useMe, usePerson, useRoomSummary } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { Avatar } from "../ui/Avatar.tsx";
import { Button, IconButton } from "../ui/Button.tsx";
import { Filters } from "./Filters.tsx";
import { closeSearch, type Found, useFound, useSearching, want } from "./searching.ts";
import { snippetOf } from "./snippet.ts";

/** The panel. */
export function SearchPanel() {
  const { t } = useText();
  const { wanted, times } = useSearching();
  const found = useFound(wanted);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each time that it is opened.
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, [times]);
  return (
    <aside
      className="aside search"
      aria-label={t("search.title")}
      onKeyDown={(event) => event.key === "Escape" && !event.defaultPrevented && closeSearch()}
    >
      <header className="pane-head">
        <div className="pane-title">
          <h2>{t("search.title")}</h2>
        </div>
        <IconButton icon={X} label={t("action.close")} onClick={closeSearch} />
      </header>
      <div className="search-top">
        <div className="search-field">
          <SearchIcon size={16} aria-hidden />
          <input
            ref={field}
            type="search"
            value={wanted.query}
            placeholder={t("search.placeholder")}
            aria-label={t("search.placeholder")}
            onChange={(event) => want({ query: event.target.value })}
            onKeyDown={(event) => {
              if (event.key !== "ArrowDown" && event.key !== "Enter") return;
              event.preventDefault();
              list.current?.querySelector<HTMLElement>("a")?.focus();
            }}
          />
        </div>
        <Filters wanted={wanted} />
      </div>
      <section ref={list} className="aside-scroll" aria-label={t("search.found")} onKeyDown={step}>
        {found ? <Results found={found} isEverywhere={!wanted.room} /> : <Hint />}
      </section>
      <p className="visually-hidden" role="status">
        {found && !found.isLoading && t("search.count", { n: found.hits.length })}
      </p>
    </aside>
  );
}

/** Arrow keys go from result to result. */
function step(event: KeyboardEvent<HTMLElement>): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by === undefined) return;
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>("a, .search-more")];
  const at = all.indexOf(document.activeElement as HTMLElement);
  all[Math.max(at + by, 0)]?.focus();
  event.preventDefault();
}

function Hint() {
  const { t } = useText();
  return (
    <div className="search-hint">
      <p>{t("search.hint")}</p>
      <p>
        <code>"wind vane"</code> <code>has:file</code> <code>has:link</code> <code>after:2026-01-31</code>
      </p>
    </div>
  );
}

function Results({ found, isEverywhere }: { found: Found; isEverywhere: boolean }) {
  const { t } = useText();
  const { hits, isLoading, isBuilding, error, more } = found;
  if (error !== undefined) {
    const isOff = error instanceof ParlourError && error.reason === "SEARCH_DISABLED";
    return (
      <p className="empty-line" role="alert">
        {isOff ? t("search.off") : failureText(error, t)}
      </p>
    );
  }
  return (
    <div aria-busy={isLoading}>
      {isBuilding && <p className="search-building">{t("search.building")}</p>}
      {hits.map((hit) => (
        <HitView key={`${hit.message.room} ${hit.message.seq}`} hit={hit} isEverywhere={isEverywhere} />
      ))}
      {hits.length === 0 && <p className="empty-line">{t(isLoading ? "search.going" : "search.none")}</p>}
      {more && (
        <Button className="search-more" disabled={isLoading} onClick={more}>
          {t("search.more")}
        </Button>
      )}
    </div>
  );
}

function HitView({ hit, isEverywhere }: { hit: Hit; isEverywhere: boolean }) {
  const { t } = useText();
  const { message, highlights } = hit;
  const me = useMe();
  const sender = usePerson(message.sender ?? me);
  const summary = useRoomSummary(message.room);
  const { seq = 0, threadRoot } = message;
  const hash =
    threadRoot === undefined
      ? hashOf.message(message.room, seq)
      : hashOf.thread(message.room, threadRoot, seq);
  const [file] = message.attachments;
  const runs = snippetOf(message.text || message.poll?.asked.question || "", highlights);
  const open = () => {
    go(hash);
    // On a phone the panel stands before the room.
    if (matchMedia("(max-width: 720px)").matches) closeSearch();
  };
  return (
    <a
      className="hit"
      href={hash}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        open();
      }}
    >
      {isEverywhere && <RoomLine summary={summary} />}
      <span className="hit-head">
        <Avatar id={message.sender ?? me} size={22} />
        <bdi className="person-name">{sender?.name}</bdi>
        {threadRoot !== undefined && (
          <MessageSquareText size={13} role="img" aria-label={t("search.in-thread")} />
        )}
        <time title={momentOf(message.atMs)}>{shortOf(message.atMs)}</time>
      </span>
      <span className="hit-text" dir="auto">
        {runs.map(({ text, isFound }, at) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: runs are what stands at their places.
          isFound ? <mark key={at}>{text}</mark> : text,
        )}
      </span>
      {file && (
        <span className="hit-file">
          <Paperclip size={13} aria-hidden /> <bdi>{file.name || t("attachment.unnamed")}</bdi>
          {message.attachments.length > 1 && ` +${message.attachments.length - 1}`}
        </span>
      )}
    </a>
  );
}

function RoomLine({ summary }: { summary: RoomSummary | undefined }) {
  const name = useRoomName(summary);
  return (
    <span className="hit-room">
      <bdi>{name}</bdi>
    </span>
  );
}
