/** The message that a message answers, on one line. */

import type { Message } from "@parlour/client";
import { CornerUpRight } from "lucide-react";
import { useText } from "../i18n/text.ts";
import { plain } from "../markdown/parse.ts";
import { useMe, usePerson } from "../sdk/context.tsx";
import { useScope } from "./scope.tsx";

const TEXT_MAX = 160;

/** Jumps to it when it is pressed. One that isn't loaded is fetched by that. */
export function Quote({ seq, message }: { seq: number; message: Message | undefined }) {
  const { t } = useText();
  const scope = useScope();
  const me = useMe();
  const sender = usePerson(message?.sender ?? (message && me));
  const text = message?.isDeleted ? t("message.deleted") : summaryOf(message, t("quote.earlier"));
  return (
    <button type="button" className="quote" onClick={() => scope.jump(seq)}>
      <CornerUpRight size={13} strokeWidth={2} aria-hidden />
      {sender && (
        <strong>
          <bdi>{sender.name}</bdi>
        </strong>
      )}
      <span dir="auto">{text}</span>
    </button>
  );
}

/** A message as a few words. */
export function summaryOf(message: Message | undefined, otherwise: string): string {
  if (!message) return otherwise;
  const text =
    plain(message.text) || message.poll?.asked.question || message.attachments[0]?.name || otherwise;
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
}
