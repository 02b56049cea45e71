/** All that is known of somebody, and what can be done about them. */

import type { User, UserId } from "@parlour/client";
import { blocked, card } from "@parlour/client/people";
import { UserKind } from "@parlour/client/proto";
import { Close } from "@radix-ui/react-popover";
import { X } from "lucide-react";
import { useEffect } from "react";
import { timeOf, untilOf } from "../i18n/dates.ts";
import type { Key } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import { useMinute } from "../sdk/alarm.ts";
import {
  useClient,
  useMe,
  usePerson,
  usePresence,
  useSigned,
  useValue,
  useWatched,
} from "../sdk/context.tsx";
import { Avatar, PresenceDot } from "../ui/Avatar.tsx";
import { languageNamed, lastSeenOf, zoneNamed } from "./facts.ts";
import { ProfileActions } from "./ProfileActions.tsx";
import { StatusWords, useStatus } from "./status.tsx";
import "../styles/profile.css";

const PICTURE_SIZE = 72;

interface Props {
  id: UserId;
  /** The user goes elsewhere from here. */
  onLeave: () => void;
}

/** The card. */
export function ProfileCard({ id, onLeave }: Props) {
  const { t } = useText();
  const me = useMe();
  const person = usePerson(id);
  const isBlocked = useValue(blocked(useClient())).has(id);
  useWatched([id]);
  useFresh(id);
  return (
    <>
      <header className="profile-head">
        <Avatar id={id} size={PICTURE_SIZE} />
        <div className="profile-names">
          <h2 dir="auto">
            {person?.name ?? t("person.unknown")}
            {id === me && <span className="person-me"> ({t("person.you")})</span>}
          </h2>
          {person?.subject && (
            <p className="profile-handle">
              <bdi>@{person.profile.handle ?? person.subject}</bdi>
              {person.profile.pronouns && <bdi> · {person.profile.pronouns}</bdi>}
            </p>
          )}
          <Presence id={id} />
        </div>
        <Close className="icon-button profile-close" aria-label={t("action.close")}>
          <X size={18} strokeWidth={1.75} aria-hidden />
        </Close>
      </header>
      <ProfileStatus id={id} />
      {person && <Facts person={person} />}
      {isBlocked && <p className="profile-note">{t("person.blocked")}</p>}
      {person && <ProfileActions person={person} isBlocked={isBlocked} onLeave={onLeave} />}
    </>
  );
}

/** What is known may be from before: it is asked for again whenever somebody looks. */
function useFresh(id: UserId): void {
  const { client, people } = useSigned();
  useEffect(() => {
    const ended = new AbortController();
    card(client, id, { signal: ended.signal }).then(
      (user) => user && people.learn([user]),
      // Without a connection what is known is shown.
      () => undefined,
    );
    return () => ended.abort();
  }, [client, people, id]);
}

const AVAILABLE: Record<string, Key> = {
  online: "presence.online",
  idle: "presence.idle",
  "do-not-disturb": "presence.dnd",
  offline: "presence.offline",
};

function Presence({ id }: { id: UserId }) {
  const { t } = useText();
  const presence = usePresence(id);
  const nowMs = useMinute();
  const availability = presence && AVAILABLE[presence.availability];
  if (!availability) return null;
  const { lastSeenMs } = presence;
  const seen = lastSeenMs && t("presence.last-seen", { when: lastSeenOf(lastSeenMs, nowMs) });
  return (
    <p className="profile-line">
      <PresenceDot id={id} /> {seen || t(availability)}
    </p>
  );
}

function ProfileStatus({ id }: { id: UserId }) {
  const { t } = useText();
  const status = useStatus(id);
  if (!status) return null;
  return (
    <p className="profile-status">
      <StatusWords status={status} />
      {status.expiresAtMs > 0 && (
        <span className="profile-ends">{t("status.ends", { when: untilOf(status.expiresAtMs) })}</span>
      )}
    </p>
  );
}

const KINDS: Record<number, Key> = {
  [UserKind.BOT]: "person.kind-app",
  [UserKind.HOOK]: "person.kind-hook",
  [UserKind.ERASED]: "person.kind-erased",
};

function Facts({ person }: { person: User }) {
  const { t, language } = useText();
  const { profile, kind, isDeactivated } = person;
  const time = useLocalTime(profile.timeZone);
  const kindKey = KINDS[kind];
  const facts: (readonly [Key, string | undefined])[] = [
    ["profile.position", profile.title],
    ["profile.local-time", time],
    ["profile.language", languageNamed(profile.locale, language.tag)],
    ["profile.kind", kindKey && t(kindKey)],
    ["profile.account", isDeactivated ? t("person.gone") : undefined],
  ];
  const known = facts.filter(([, fact]) => fact);
  if (known.length === 0) return null;
  return (
    <dl className="profile-facts">
      {known.map(([label, fact]) => (
        <div key={label}>
          <dt>{t(label)}</dt>
          <dd dir="auto">{fact}</dd>
        </div>
      ))}
    </dl>
  );
}

function useLocalTime(zone: string | undefined): string | undefined {
  const { t } = useText();
  const nowMs = useMinute();
  if (!zone) return undefined;
  try {
    return t("profile.time-there", { when: timeOf(nowMs, zone), zone: zoneNamed(zone) });
  } catch {
    // A zone that this browser doesn't know.
    return undefined;
  }
}
