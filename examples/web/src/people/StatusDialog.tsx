/** What the user says of themselves: an emoji, a few words, and for how long. */

import * as rpc from "@parlour/client/rpc";
import { Smile } from "lucide-react";
import { useState } from "react";
import { EmojiButton } from "../emoji/EmojiButton.tsx";
import { EmojiFace } from "../emoji/own.tsx";
import { untilOf } from "../i18n/dates.ts";
import type { Key } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import { useClient, useMe } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { Failure } from "../ui/Failure.tsx";
import { useStatus } from "./status.tsx";

const HOUR_MS = 3_600_000;
const USUAL: readonly { emoji: string; text: Key }[] = [
  { emoji: "🗓️", text: "status.meeting" },
  { emoji: "🎧", text: "status.focus" },
  { emoji: "🚆", text: "status.travel" },
  { emoji: "🤒", text: "status.sick" },
  { emoji: "🌴", text: "status.holiday" },
];
const UNTIL: readonly { id: string; label: Key; until: () => number }[] = [
  { id: "never", label: "status.forever", until: () => 0 },
  { id: "hour", label: "status.hour", until: () => Date.now() + HOUR_MS },
  { id: "today", label: "status.today", until: () => new Date().setHours(23, 59, 0, 0) },
  { id: "week", label: "status.week", until: () => Date.now() + 7 * 24 * HOUR_MS },
];

/** The end that it has already. */
const KEPT = "kept";

/** The dialog. */
export function StatusDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const client = useClient();
  const present = useStatus(useMe());
  const [emoji, setEmoji] = useState(present?.emoji ?? "");
  const [text, setText] = useState(present?.text ?? "");
  // A status that has an end keeps it unless another one is chosen.
  const [endMs] = useState(present?.expiresAtMs ?? 0);
  const [until, setUntil] = useState(endMs > 0 ? KEPT : "never");
  const [failure, setFailure] = useState<string>();
  const set = async (status: { text: string; emoji: string; expiresAtMs: number }) => {
    try {
      await client.call(rpc.SetStatus, { status });
      onClose();
    } catch (error) {
      setFailure(failureText(error, t));
    }
  };
  const save = () => {
    const expiresAtMs = UNTIL.find(({ id }) => id === until)?.until() ?? endMs;
    return set({ text: text.trim(), emoji, expiresAtMs });
  };
  return (
    <Dialog
      title={t("status.set")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={() => void set({ text: "", emoji: "", expiresAtMs: 0 })}>
            {t("status.clear")}
          </Button>
          <Button look="main" disabled={!emoji && !text.trim()} onClick={() => void save()}>
            {t("action.save")}
          </Button>
        </>
      }
    >
      {failure && <Failure text={failure} />}
      <div className="status-line">
        <EmojiField emoji={emoji} onChange={setEmoji} />
        <input
          className="field"
          dir="auto"
          data-autofocus
          value={text}
          maxLength={50}
          placeholder={t("status.placeholder")}
          aria-label={t("status.placeholder")}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      <UsualOnes
        onPick={(usual) => {
          setEmoji(usual.emoji);
          setText(t(usual.text));
        }}
      />
      <label className="labelled">
        {t("status.until")}
        <select className="field" value={until} onChange={(event) => setUntil(event.target.value)}>
          {endMs > 0 && <option value={KEPT}>{t("status.at", { when: untilOf(endMs) })}</option>}
          {UNTIL.map(({ id, label }) => (
            <option key={id} value={id}>
              {t(label)}
            </option>
          ))}
        </select>
      </label>
    </Dialog>
  );
}

function EmojiField({ emoji, onChange }: { emoji: string; onChange: (emoji: string) => void }) {
  const { t } = useText();
  if (!emoji) return <EmojiButton icon={Smile} label={t("emoji.title")} onPick={onChange} />;
  return (
    <button
      type="button"
      className="icon-button quick-emoji"
      aria-label={t("status.no-emoji")}
      onClick={() => onChange("")}
    >
      <EmojiFace emoji={emoji} />
    </button>
  );
}

/** What many say, to be taken with one touch. */
function UsualOnes({ onPick }: { onPick: (usual: (typeof USUAL)[number]) => void }) {
  const { t } = useText();
  return (
    <ul className="chips">
      {USUAL.map((usual) => (
        <li key={usual.text}>
          <button type="button" className="chip" onClick={() => onPick(usual)}>
            {usual.emoji} {t(usual.text)}
          </button>
        </li>
      ))}
    </ul>
  );
}
