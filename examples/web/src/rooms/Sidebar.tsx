/** The list of rooms, and what belongs to the user: the way to other rooms, to people, to settings. */

import * as Dropdown from "@radix-ui/react-dropdown-menu";
import {
  ChevronDown,
  Compass,
  Contact,
  Inbox,
  type LucideIcon,
  MessageSquareText,
  Plus,
  Search,
  TextSearch,
  Users,
} from "lucide-react";
import { type ReactNode, useState } from "react";
import { go, hashOf, useRoute } from "../app/route.ts";
import { useText } from "../i18n/text.ts";
import { MyButton } from "../people/MyButton.tsx";
import { useMe, useRooms, useSynced, useWatched } from "../sdk/context.tsx";
import { searchEverywhere } from "../search/search-here.ts";
import { IconButton } from "../ui/Button.tsx";
import { RoomSkeleton } from "../ui/Skeleton.tsx";
import { useRoomNaming } from "./names.ts";
import { Badge } from "./RoomRow.tsx";
import { SectionRows } from "./SectionRows.tsx";
import { type Section, sectionsOf } from "./sections.ts";

/** Dialogs that the list opens. */
export type Opening = "switch" | "direct" | "group" | "browse" | "settings" | "status";

const WATCHED_MAX = 150;

/** The sidebar. */
export function Sidebar({ onOpen }: { onOpen: (what: Opening) => void }) {
  const { t, language } = useText();
  const rooms = useRooms();
  const me = useMe();
  const nameOf = useRoomNaming(rooms);
  const isSynced = useSynced();
  const sections = sectionsOf(rooms, nameOf, language.tag);
  useWatched([...rooms.flatMap(({ peer }) => peer ?? []).slice(0, WATCHED_MAX), ...(me ? [me] : [])]);
  return (
    <nav className="sidebar" aria-label={t("nav.rooms")}>
      <header className="sidebar-head">
        <span className="wordmark">Parlour</span>
        <IconButton icon={TextSearch} label={t("search.title")} onClick={searchEverywhere} />
        <NewMenu onOpen={onOpen} />
      </header>
      <button type="button" className="jump" onClick={() => onOpen("switch")}>
        <Search size={15} aria-hidden />
        <span>{t("nav.jump")}</span>
        <kbd>{isMac() ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <div className="sidebar-list">
        <Places />
        {rooms.length === 0 && !isSynced ? (
          <RoomSkeleton />
        ) : (
          sections.map((section) => <SectionView key={section.id} section={section} onOpen={onOpen} />)
        )}
      </div>
      <MyButton onOpen={onOpen} />
    </nav>
  );
}

function isMac(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent);
}

/** What isn't a room: the inbox, threads, people. */
function Places() {
  const { t } = useText();
  const route = useRoute();
  const rooms = useRooms();
  const unread = rooms.reduce((sum, room) => sum + room.threadUnread, 0);
  const inThreads = rooms.reduce((sum, room) => sum + room.threadMentions, 0);
  const inRooms = rooms.reduce((sum, room) => sum + (room.isDirect ? 0 : room.mentions), 0);
  return (
    <>
      <Place href={hashOf.inbox()} label={t("inbox.title")} icon={Inbox} isHere={route.is === "inbox"}>
        {inRooms > 0 && <Badge count={inRooms} isLoud />}
      </Place>
      <Place
        href={hashOf.threads()}
        label={t("threads.title")}
        icon={MessageSquareText}
        isHere={route.is === "threads"}
        isUnread={unread > 0}
      >
        {unread > 0 && <Badge count={inThreads || unread} isLoud={inThreads > 0} />}
      </Place>
      <Place href={hashOf.people()} label={t("people.title")} icon={Contact} isHere={route.is === "people"} />
    </>
  );
}

interface PlaceProps {
  href: string;
  label: string;
  icon: LucideIcon;
  isHere: boolean;
  isUnread?: boolean;
  children?: ReactNode;
}

function Place({ href, label, icon: Icon, isHere, isUnread = false, children }: PlaceProps) {
  return (
    <a
      className={`room ${isHere ? "room-here" : ""} ${isUnread ? "room-unread" : ""}`}
      href={href}
      aria-current={isHere ? "page" : undefined}
    >
      <Icon size={16} strokeWidth={1.75} className="room-icon" aria-hidden />
      <span className="room-name">{label}</span>
      {children}
    </a>
  );
}

const ADD: Partial<Record<string, "browse" | "direct">> = { groups: "browse", directs: "direct" };

function SectionView({ section, onOpen }: { section: Section; onOpen: (what: Opening) => void }) {
  const { t } = useText();
  const route = useRoute();
  const isSynced = useSynced();
  const [isClosed, setClosed] = useState(
    () => localStorage.getItem(`parlour.closed.${section.id}`) === "yes",
  );
  const here = route.is === "room" ? route.room : undefined;
  const label = "key" in section.label ? t(section.label.key) : section.label.own;
  const add = ADD[section.id];
  const toggle = () => {
    localStorage.setItem(`parlour.closed.${section.id}`, isClosed ? "no" : "yes");
    setClosed(!isClosed);
  };
  // What is unread stays in sight in a section that is closed.
  const shown = section.rooms.filter(({ room }) => !isClosed || room.unread > 0 || room.id === here);
  return (
    <section className="section" aria-label={label}>
      <div className="section-head">
        <button type="button" className="section-toggle" aria-expanded={!isClosed} onClick={toggle}>
          <ChevronDown size={13} strokeWidth={2.25} aria-hidden />
          <span dir="auto">{label}</span>
        </button>
        {add && (
          <IconButton
            icon={add === "browse" ? Compass : Plus}
            size={15}
            label={t(`open.${add}`)}
            onClick={() => onOpen(add)}
          />
        )}
      </div>
      {section.rooms.length === 0 && isSynced && <p className="section-empty">{t("section.empty")}</p>}
      <SectionRows rooms={shown} here={here} />
    </section>
  );
}

function NewMenu({ onOpen }: { onOpen: (what: Opening) => void }) {
  const { t } = useText();
  const entries = [
    { what: "direct", icon: MessageSquareText },
    { what: "group", icon: Users },
    { what: "browse", icon: Compass },
  ] as const;
  return (
    <Dropdown.Root modal={false}>
      <Dropdown.Trigger asChild>
        <button type="button" className="icon-button" aria-label={t("open.new")} data-hint={t("open.new")}>
          <Plus size={18} strokeWidth={1.75} aria-hidden />
        </button>
      </Dropdown.Trigger>
      <Dropdown.Portal>
        <Dropdown.Content className="menu" align="end" sideOffset={4} collisionPadding={8}>
          {entries.map(({ what, icon: Icon }) => (
            <Dropdown.Item
              key={what}
              className="menu-item"
              onSelect={() => setTimeout(() => onOpen(what), 0)}
            >
              <Icon size={16} strokeWidth={1.75} aria-hidden /> {t(`open.${what}`)}
            </Dropdown.Item>
          ))}
        </Dropdown.Content>
      </Dropdown.Portal>
    </Dropdown.Root>
  );
}

/** Goes home: on a phone, to the list of rooms. */
export function goHome(): void {
  go(hashOf.home());
}
