/** Pictures of people and rooms: initials on a colour that stays theirs. */

import type { User, UserId } from "@parlour/client";
import { RoomKind } from "@parlour/client/proto";
import {
  Archive,
  Building2,
  FolderKanban,
  Hash,
  Landmark,
  ListTodo,
  type LucideIcon,
  NotebookPen,
  Users,
} from "lucide-react";
import { usePerson, usePresence } from "../sdk/context.tsx";
import { usePicture } from "../sdk/pictures.ts";

const HUES = 8;

/** One of a few colours, the same each time. */
export function hueOf(id: string): number {
  let sum = 0;
  for (let at = 0; at < id.length; at++) sum = (sum * 31 + id.charCodeAt(at)) >>> 0;
  return sum % HUES;
}

/** The first letters of the first and the last word. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined];
  return letters.map((word) => [...(word ?? "")][0]?.toLocaleUpperCase() ?? "").join("");
}

/** Somebody's picture. Decoration: their name always stands beside it. */
export function Avatar({
  id,
  user,
  size = 36,
}: {
  id: UserId | undefined;
  user?: User | undefined;
  size?: number;
}) {
  const known = usePerson(id);
  const person = user ?? known;
  return <Picture hue={id ?? ""} name={person?.name ?? ""} url={usePicture(person?.avatar)} size={size} />;
}

interface PictureProps {
  /** What decides on the colour. */
  hue: string;
  name: string;
  url: string | undefined;
  size: number;
}

/** A picture, or initials as long as there is none. */
export function Picture({ hue, name, url, size }: PictureProps) {
  const style = { inlineSize: size, blockSize: size, fontSize: size * 0.39 };
  return (
    <span
      className={`avatar hue-${hueOf(hue)}`}
      style={style}
      data-initials={url ? "" : initialsOf(name)}
      aria-hidden
    >
      {url && <img src={url} alt="" draggable={false} />}
    </span>
  );
}

/** A picture with the dot that says whether they are there. */
export function PresentAvatar({ id, size = 36 }: { id: UserId | undefined; size?: number }) {
  return (
    <span className="present">
      <Avatar id={id} size={size} />
      <PresenceDot id={id} />
    </span>
  );
}

/** The dot alone. */
export function PresenceDot({ id }: { id: UserId | undefined }) {
  const presence = usePresence(id);
  const availability = presence?.availability ?? "unknown";
  return availability === "unknown" ? null : <span className={`dot dot-${availability}`} aria-hidden />;
}

const ICONS: Record<number, LucideIcon> = {
  [RoomKind.GROUP]: Hash,
  [RoomKind.USER]: NotebookPen,
  [RoomKind.ORGANIZATION]: Landmark,
  [RoomKind.DEPARTMENT]: Building2,
  [RoomKind.TEAM]: Users,
  [RoomKind.PROJECT]: FolderKanban,
  [RoomKind.TASK]: ListTodo,
};

/** What kind of room it is, as an icon. */
export function RoomIcon({
  kind,
  isArchived = false,
  size = 16,
}: {
  kind: number;
  isArchived?: boolean;
  size?: number;
}) {
  const Icon = isArchived ? Archive : (ICONS[kind] ?? Hash);
  return <Icon size={size} strokeWidth={1.75} aria-hidden className="room-icon" />;
}
