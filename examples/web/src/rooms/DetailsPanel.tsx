/** What a room is for, and what the user wants of it. */

import type { RoomSummary } from "@parlour/client";
import { upload } from "@parlour/client/files";
import { changeRoomSettings, FOREVER_MS, type Level, roomSettings } from "@parlour/client/notifications";
import { RoomKind } from "@parlour/client/proto";
import {
  type Permissions,
  permissions,
  setArchived,
  setAvatar,
  setOpen,
  setTopic,
} from "@parlour/client/rooms";
import { Archive, ArchiveRestore, LogOut } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import { AsidePanel } from "../app/AsidePanel.tsx";
import { useText } from "../i18n/text.ts";
import { LeaveDialog } from "../people/LeaveDialog.tsx";
import { useAction } from "../sdk/action.ts";
import { useRoom, useRooms } from "../sdk/context.tsx";
import { usePicture } from "../sdk/pictures.ts";
import { Check, Choices } from "../settings/Choices.tsx";
import { PictureField } from "../settings/PictureField.tsx";
import { Picture } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { TextField } from "../ui/TextField.tsx";
import { useRoomName } from "./names.ts";
import { byTwo } from "./pace.ts";
import { RoomPace } from "./RoomPace.tsx";
import { isMuted } from "./RoomRow.tsx";
import "../styles/inbox.css";
import "../styles/settings.css";

/** The panel. */
export function DetailsPanel({ summary }: { summary: RoomSummary }) {
  const { t } = useText();
  const may = usePermissions(summary);
  const isGroup = summary.kind === RoomKind.GROUP;
  const mayManage = may?.has("MANAGE_ROOM") ?? false;
  const isManaged = isGroup && mayManage;
  return (
    <AsidePanel title={t("details.title")} room={summary.id}>
      <div className="aside-scroll details">
        {!byTwo(summary.kind) && (
          <RoomPicture summary={summary} isManaged={isManaged || (mayManage && !summary.isArchived)} />
        )}
        {isManaged ? <Fields key={summary.id} summary={summary} /> : <Facts summary={summary} />}
        <Wishes summary={summary} />
        {!summary.isArchived && <RoomPace summary={summary} may={may} />}
        {isGroup && <Life summary={summary} isManaged={isManaged} />}
      </div>
    </AsidePanel>
  );
}

function usePermissions({ id, creator, isArchived }: RoomSummary): Permissions | undefined {
  const room = useRoom(id);
  const [may, setMay] = useState<Permissions>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another creator or state is another answer.
  useEffect(() => {
    const ended = new AbortController();
    permissions(room, { signal: ended.signal }).then(setMay, () => undefined);
    return () => ended.abort();
  }, [room, creator, isArchived]);
  return may;
}

function RoomPicture({ summary, isManaged }: { summary: RoomSummary; isManaged: boolean }) {
  const room = useRoom(summary.id);
  const url = usePicture(summary.avatar, room);
  const picture = <Picture hue={summary.id} name={summary.name} url={url} size={64} />;
  if (!isManaged) return <div className="settings-picture">{picture}</div>;
  return (
    <PictureField
      picture={picture}
      isThere={Boolean(summary.avatar)}
      onChange={async (portrait) =>
        setAvatar(room, portrait && (await upload(room.client, portrait, { name: "portrait" })))
      }
    />
  );
}

function Facts({ summary }: { summary: RoomSummary }) {
  const { t } = useText();
  const name = useRoomName(summary);
  return (
    <dl className="settings-facts">
      <dt>{t("group.name")}</dt>
      <dd dir="auto">{name}</dd>
      {summary.topic && (
        <>
          <dt>{t("details.topic")}</dt>
          <dd dir="auto">{summary.topic}</dd>
        </>
      )}
    </dl>
  );
}

function Fields({ summary }: { summary: RoomSummary }) {
  const { t } = useText();
  const room = useRoom(summary.id);
  const [name, setName] = useState(summary.name);
  const [topic, setNewTopic] = useState(summary.topic);
  const { isBusy, failure, isDone, run } = useAction();
  const wanted = { name: name.trim(), topic: topic.trim() };
  const isSame = wanted.name === summary.name && wanted.topic === summary.topic;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(async () => {
      if (wanted.name !== summary.name) await room.rename(wanted.name);
      if (wanted.topic !== summary.topic) await setTopic(room, wanted.topic);
    });
  };
  return (
    <form className="settings-form" onSubmit={submit}>
      <TextField label={t("group.name")} required maxLength={100} value={name} onChange={setName} />
      <label className="labelled">
        {t("details.topic")}
        <textarea
          className="field"
          dir="auto"
          rows={2}
          maxLength={250}
          value={topic}
          onChange={(event) => setNewTopic(event.target.value)}
        />
      </label>
      {failure && <Failure text={failure} />}
      <div className="settings-line">
        <Button type="submit" look="main" disabled={isBusy || isSame || wanted.name === ""}>
          {t("action.save")}
        </Button>
        {isDone && isSame && <span role="status">{t("settings.saved")}</span>}
      </div>
    </form>
  );
}

const LEVELS = ["usual", "all", "mentions", "nothing"] as const;

function Wishes({ summary }: { summary: RoomSummary }) {
  const { t } = useText();
  const room = useRoom(summary.id);
  const { level, isFavourite } = roomSettings(room);
  const change = (wish: Parameters<typeof changeRoomSettings>[1]) => changeRoomSettings(room, wish);
  const setLevel = (wish: (typeof LEVELS)[number]) => {
    const next: Level | undefined = wish === "usual" ? undefined : wish;
    return change({ level: next });
  };
  return (
    <section className="settings-section" aria-label={t("details.mine")}>
      <h3>{t("details.mine")}</h3>
      <Choices
        label={t("level.title")}
        options={LEVELS.map((value) => ({ value, label: t(`level.${value}`) }))}
        chosen={level ?? "usual"}
        onChoose={setLevel}
      />
      <Check
        label={t("room.mute")}
        why={t("details.mute-why")}
        isOn={isMuted(summary)}
        onChange={(isOn) => change({ mutedUntilMs: isOn ? FOREVER_MS : 0 })}
      />
      <Check
        label={t("details.favourite")}
        why={t("details.favourite-why")}
        isOn={isFavourite}
        onChange={(isOn) => change({ isFavourite: isOn })}
      />
      <SectionField key={summary.settings?.section} summary={summary} />
    </section>
  );
}

function SectionField({ summary }: { summary: RoomSummary }) {
  const { t } = useText();
  const room = useRoom(summary.id);
  const present = summary.settings?.section ?? "";
  const [section, setSection] = useState(present);
  const rooms = useRooms();
  const all = [...new Set(rooms.flatMap(({ settings }) => settings?.section || []))].sort();
  const { isBusy, failure, run } = useAction();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(() => changeRoomSettings(room, { section: section.trim() }));
  };
  return (
    <form className="settings-form" onSubmit={submit}>
      <label className="labelled" htmlFor="section">
        {t("details.section")}
      </label>
      <div className="settings-line">
        <input
          id="section"
          className="field"
          dir="auto"
          list="sections"
          maxLength={32}
          placeholder={t("details.no-section")}
          value={section}
          onChange={(event) => setSection(event.target.value)}
        />
        <datalist id="sections">
          {all.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <Button type="submit" disabled={isBusy || section.trim() === present}>
          {t("action.save")}
        </Button>
      </div>
      {failure && <Failure text={failure} />}
    </form>
  );
}

function Life({ summary, isManaged }: { summary: RoomSummary; isManaged: boolean }) {
  const { t } = useText();
  const room = useRoom(summary.id);
  const [isLeaving, setLeaving] = useState(false);
  const { isBusy, failure, run } = useAction();
  const { isArchived } = summary;
  const Icon = isArchived ? ArchiveRestore : Archive;
  return (
    <section className="settings-section" aria-label={t("details.room")}>
      <h3>{t("details.room")}</h3>
      {failure && <Failure text={failure} />}
      {isManaged && (
        <Check
          label={t("details.open")}
          why={t("group.open")}
          isOn={summary.isOpen}
          isDisabled={isBusy}
          onChange={(isOn) => setOpen(room, isOn)}
        />
      )}
      <div className="settings-line">
        {isManaged && (
          <Button disabled={isBusy} onClick={() => void run(() => setArchived(room, !isArchived))}>
            <Icon size={16} aria-hidden /> {t(isArchived ? "details.unarchive" : "details.archive")}
          </Button>
        )}
        <Button look="danger" onClick={() => setLeaving(true)}>
          <LogOut size={16} aria-hidden /> {t("room.leave")}
        </Button>
      </div>
      {isLeaving && <LeaveDialog summary={summary} onClose={() => setLeaving(false)} />}
    </section>
  );
}
