/** How fast one may write in a room, and how long what is written stays: said above the composer, set in its details. */

import type { RoomSummary } from "@parlour/client";
import { type Permissions, setMessageExpiry, setSlowMode } from "@parlour/client/rooms";
import { Hourglass } from "lucide-react";
import { duration } from "../i18n/dates.ts";
import { type Key, useText } from "../i18n/text.ts";
import { useRoom } from "../sdk/context.tsx";
import { Choices } from "../settings/Choices.tsx";
import { byTwo, EXPIRIES_S, offered, PACES_S } from "./pace.ts";

/** What holds in a room, in a line; nothing where nothing does. Replies in threads aren't slowed. */
export function PaceLine({ summary, root }: { summary: RoomSummary; root: number | undefined }) {
  const { t } = useText();
  const { slowModeS, messageExpiryS } = summary;
  const words = [
    slowModeS > 0 && root === undefined && t("pace.slow-now", { time: duration(slowModeS) }),
    messageExpiryS > 0 && t("pace.expiry-now", { time: duration(messageExpiryS) }),
  ].filter(Boolean);
  if (words.length === 0) return null;
  return (
    <p className="scheduled-line">
      <Hourglass size={14} aria-hidden />
      <span>{words.join(" ")}</span>
    </p>
  );
}

/** The same to be chosen, by whom it may be. */
export function RoomPace({ summary, may }: { summary: RoomSummary; may: Permissions | undefined }) {
  const { t } = useText();
  const room = useRoom(summary.id);
  const isOfTwo = byTwo(summary.kind);
  const isManaged = may?.has("MANAGE_ROOM") ?? false;
  if (!(isOfTwo ? may?.has("SEND") : isManaged)) return null;
  const choices = (all: readonly number[], present: number, none: Key) =>
    offered(all, present).map((value) => ({
      value,
      label: value === 0 ? t(none) : duration(value, "short"),
    }));
  return (
    <section className="settings-section" aria-label={t("pace.title")}>
      <h3>{t("pace.title")}</h3>
      {!isOfTwo && (
        <Choices
          label={t("pace.slow")}
          options={choices(PACES_S, summary.slowModeS, "pace.slow-none")}
          chosen={summary.slowModeS}
          onChoose={(seconds) => setSlowMode(room, seconds)}
        />
      )}
      <Choices
        label={t("pace.expiry")}
        options={choices(EXPIRIES_S, summary.messageExpiryS, "pace.expiry-none")}
        chosen={summary.messageExpiryS}
        onChoose={(seconds) => setMessageExpiry(room, seconds)}
      />
    </section>
  );
}
