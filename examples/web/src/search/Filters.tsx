/** What a search is narrowed down by, as buttons that say what is chosen. */

import type { RoomId } from "@parlour/client";
import * as Popover from "@radix-ui/react-popover";
import { ArrowDownWideNarrow, CalendarDays, Hash, Link, Paperclip, User as UserIcon, X } from "lucide-react";
import { type ComponentProps, type ReactNode, useState } from "react";
import { useText } from "../i18n/text.ts";
import { PeoplePicker } from "../people/PeoplePicker.tsx";
import { matchRooms } from "../rooms/match.ts";
import { useRoomName, useRoomNaming } from "../rooms/names.ts";
import { useRoomSummary, useRooms } from "../sdk/context.tsx";
import { PresentAvatar, RoomIcon } from "../ui/Avatar.tsx";
import { SearchField } from "../ui/SearchField.tsx";
import { type Wanted, want } from "./searching.ts";

const ROOMS_MAX = 12;
const NOWHERE = "" as RoomId;

/** All of them. */
export function Filters({ wanted }: { wanted: Wanted }) {
  const { t } = useText();
  const { hasFile, hasLink, order } = wanted;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of nothing to fill in is no fieldset.
    <div className="filters" role="group" aria-label={t("search.filters")}>
      <RoomFilter wanted={wanted} />
      <FromFilter wanted={wanted} />
      <Chip
        icon={<Paperclip size={14} aria-hidden />}
        isOn={hasFile}
        onClick={() => want({ hasFile: !hasFile })}
      >
        {t("search.has-file")}
      </Chip>
      <Chip icon={<Link size={14} aria-hidden />} isOn={hasLink} onClick={() => want({ hasLink: !hasLink })}>
        {t("search.has-link")}
      </Chip>
      <DateFilter wanted={wanted} />
      <Chip
        icon={<ArrowDownWideNarrow size={14} aria-hidden />}
        isOn={order === "relevance"}
        onClick={() => want({ order: order === "newest" ? "relevance" : "newest" })}
      >
        {t("search.relevance")}
      </Chip>
    </div>
  );
}

interface ChipProps extends ComponentProps<"button"> {
  icon: ReactNode;
  isOn: boolean;
}

function Chip({ icon, isOn, children, ...rest }: ChipProps) {
  return (
    <button type="button" className="filter" aria-pressed={isOn} {...rest}>
      {icon}
      <span>{children}</span>
    </button>
  );
}

interface OpeningProps {
  icon: ReactNode;
  label: string;
  isOn: boolean;
  /** Makes it as if nothing had been chosen. */
  onClear: () => void;
  children: (close: () => void) => ReactNode;
}

/** A button that opens something to choose from. */
function Opening({ icon, label, isOn, onClear, children }: OpeningProps) {
  const { t } = useText();
  const [isOpen, setOpen] = useState(false);
  return (
    <span className={`filter-pair ${isOn ? "filter-on" : ""}`}>
      <Popover.Root open={isOpen} onOpenChange={setOpen}>
        <Popover.Trigger className="filter">
          {icon}
          <bdi>{label}</bdi>
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Content
            className="popover filter-box"
            align="start"
            sideOffset={6}
            collisionPadding={8}
            aria-label={label}
          >
            {children(() => setOpen(false))}
          </Popover.Content>
        </Popover.Portal>
      </Popover.Root>
      {isOn && (
        <button
          type="button"
          className="filter-clear"
          aria-label={t("search.clear", { label })}
          onClick={onClear}
        >
          <X size={13} aria-hidden />
        </button>
      )}
    </span>
  );
}

function RoomFilter({ wanted }: { wanted: Wanted }) {
  const { t } = useText();
  const rooms = useRooms();
  const nameOf = useRoomNaming(rooms);
  const [query, setQuery] = useState("");
  const name = useRoomName(useRoomSummary(wanted.room ?? NOWHERE));
  const label = !wanted.room
    ? t("search.everywhere")
    : t(wanted.root ? "search.thread-of" : "search.in", { name });
  const found = matchRooms(rooms, nameOf, query, ROOMS_MAX);
  const choose = (room: RoomId | undefined, close: () => void) => {
    want({ room, root: undefined });
    setQuery("");
    close();
  };
  return (
    <Opening
      icon={<Hash size={14} aria-hidden />}
      label={label}
      isOn={wanted.room !== undefined}
      onClear={() => want({ room: undefined, root: undefined })}
    >
      {(close) => (
        <>
          <SearchField
            label={t("search.room")}
            value={query}
            onChange={setQuery}
            onEnter={() => found[0] && choose(found[0].id, close)}
          />
          <ul className="people-list" aria-label={t("nav.rooms")}>
            {found.map((room) => (
              <li key={room.id}>
                <button type="button" className="person-row" onClick={() => choose(room.id, close)}>
                  {room.isDirect ? (
                    <PresentAvatar id={room.peer} size={24} />
                  ) : (
                    <RoomIcon kind={room.kind} isArchived={room.isArchived} />
                  )}
                  <bdi className="person-name">{nameOf(room)}</bdi>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </Opening>
  );
}

function FromFilter({ wanted }: { wanted: Wanted }) {
  const { t, language } = useText();
  const names = wanted.from.map(({ name }) => name);
  const label =
    names.length > 0
      ? t("search.from", { name: new Intl.ListFormat(language.tag, { type: "disjunction" }).format(names) })
      : t("search.from-anybody");
  return (
    <Opening
      icon={<UserIcon size={14} aria-hidden />}
      label={label}
      isOn={names.length > 0}
      onClear={() => want({ from: [] })}
    >
      {() => (
        <PeoplePicker
          chosen={wanted.from}
          isWithMe
          onChoose={(user) => want({ from: [...wanted.from, user] })}
          onDrop={(user) => want({ from: wanted.from.filter(({ id }) => id !== user.id) })}
        />
      )}
    </Opening>
  );
}

function DateFilter({ wanted }: { wanted: Wanted }) {
  const { t } = useText();
  const { after, before } = wanted;
  const label =
    after && before
      ? t("search.between", { after, before })
      : after
        ? t("search.since", { after })
        : before
          ? t("search.until", { before })
          : t("search.anytime");
  return (
    <Opening
      icon={<CalendarDays size={14} aria-hidden />}
      label={label}
      isOn={after !== "" || before !== ""}
      onClear={() => want({ after: "", before: "" })}
    >
      {() => (
        <div className="filter-dates">
          <label className="labelled">
            {t("search.first-day")}
            <input
              type="date"
              className="field"
              value={after}
              max={before || undefined}
              onChange={(event) => want({ after: event.target.value })}
            />
          </label>
          <label className="labelled">
            {t("search.last-day")}
            <input
              type="date"
              className="field"
              value={before}
              min={after || undefined}
              onChange={(event) => want({ before: event.target.value })}
            />
          </label>
        </div>
      )}
    </Opening>
  );
}
