/** Somebody's name or picture, which opens their profile card. */

import type { UserId } from "@parlour/client";
import { block, blocked, unblock } from "@parlour/client/people";
import * as Popover from "@radix-ui/react-popover";
import { Ban, MessageSquareText } from "lucide-react";
import { type ReactNode, useState } from "react";
import { agoOf, timeOf } from "../i18n/dates.ts";
import type { Key } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import { openRoom } from "../rooms/RoomRow.tsx";
import { useClient, useMe, usePerson, usePresence, useValue, useWatched } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { Avatar, PresenceDot } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import { toast } from "../ui/toast.tsx";

interface Props {
  id: UserId | undefined;
  /** Its content has no words: it is called after the person. */
  isPicture?: boolean;
  className?: string;
  children: ReactNode;
}

/** The button. */
export function PersonButton({ id, isPicture = false, className = "", children }: Props) {
  const { t } = useText();
  const person = usePerson(id);
  const [isOpen, setOpen] = useState(false);
  const [isUsed, setUsed] = useState(false);
  const label = t("person.profile", { name: person?.name ?? t("person.unknown") });
  const button = { type: "button", className, "aria-label": isPicture ? label : undefined } as const;
  // Every message has two of them: what opens is made when it does so for the first time.
  if (!isUsed) {
    const use = () => {
      setUsed(true);
      setOpen(true);
    };
    return (
      <button {...button} aria-haspopup="dialog" aria-expanded={false} onClick={use}>
        {children}
      </button>
    );
  }
  return (
    <Popover.Root open={isOpen} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <button {...button}>{children}</button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="popover profile"
          align="start"
          side="right"
          sideOffset={8}
          collisionPadding={8}
          aria-label={label}
        >
          {id && <ProfileCard id={id} onDone={() => setOpen(false)} />}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

const AVAILABLE: Record<string, Key> = {
  online: "presence.online",
  idle: "presence.idle",
  "do-not-disturb": "presence.dnd",
  offline: "presence.offline",
};

/** What is known of somebody. */
function ProfileCard({ id, onDone }: { id: UserId; onDone: () => void }) {
  const { t } = useText();
  const client = useClient();
  const me = useMe();
  const person = usePerson(id);
  const presence = usePresence(id);
  const isBlocked = useValue(blocked(client)).has(id);
  useWatched([id]);
  const availability = presence && AVAILABLE[presence.availability];
  const lastSeen = presence?.lastSeenMs && t("presence.last-seen", { when: agoOf(presence.lastSeenMs) });
  const write = async () => {
    try {
      const room = await client.openDirect(id);
      onDone();
      openRoom(room.id);
    } catch (error) {
      toast(failureText(error, t));
    }
  };
  const turn = async () => {
    try {
      await (isBlocked ? unblock(client, id) : block(client, id));
    } catch (error) {
      toast(failureText(error, t));
    }
  };
  return (
    <>
      <div className="profile-head">
        <Avatar id={id} size={64} />
        <div>
          <h2 dir="auto">{person?.name}</h2>
          <p className="profile-handle">
            <bdi>@{person?.profile.handle ?? person?.subject}</bdi>
            {person?.profile.pronouns && <bdi> · {person.profile.pronouns}</bdi>}
          </p>
        </div>
      </div>
      {person?.profile.title && <p dir="auto">{person.profile.title}</p>}
      {availability && (
        <p className="profile-line">
          <PresenceDot id={id} /> {lastSeen || t(availability)}
        </p>
      )}
      {presence?.status && (
        <p className="profile-line" dir="auto">
          {presence.status.emoji} {presence.status.text}
        </p>
      )}
      {person?.profile.timeZone && <LocalTime zone={person.profile.timeZone} />}
      {person?.isDeactivated && <p className="profile-line">{t("person.gone")}</p>}
      {id !== me && (
        <>
          {isBlocked && <p className="profile-line">{t("person.blocked")}</p>}
          <Button look="main" disabled={isBlocked} onClick={() => void write()}>
            <MessageSquareText size={16} aria-hidden /> {t("person.write")}
          </Button>
          <Button look="quiet" onClick={() => void turn()}>
            <Ban size={15} aria-hidden /> {t(isBlocked ? "person.unblock" : "person.block")}
          </Button>
        </>
      )}
    </>
  );
}

function LocalTime({ zone }: { zone: string }) {
  const { t } = useText();
  try {
    return <p className="profile-line">{t("person.local-time", { when: timeOf(Date.now(), zone) })}</p>;
  } catch {
    // A zone that this browser doesn't know.
    return null;
  }
}
