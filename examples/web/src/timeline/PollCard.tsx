/** A poll: what it asks, what was chosen, and the user's own choice. */

import type { Message, Poll } from "@parlour/client";
import { Check } from "lucide-react";
import { momentOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { Button } from "../ui/Button.tsx";
import { useScope } from "./scope.tsx";

/** The poll of a message. */
export function PollCard({ message, poll }: { message: Message; poll: Poll }) {
  const { t } = useText();
  const scope = useScope();
  const { asked, own, tally } = poll;
  const isOver = poll.isClosed || (asked.closesAtMs > 0 && asked.closesAtMs <= Date.now());
  const isSent = message.seq !== undefined;
  const choose = (at: number) => message.vote(chosen(own, at, asked.maxChoices)).catch(scope.fail);
  const facts = [
    tally && t("poll.voters", { n: tally.voters }),
    asked.anonymous && t("poll.anonymous"),
    asked.maxChoices > 1 && !isOver && t("poll.max", { n: asked.maxChoices }),
    isOver && t("poll.over"),
    !isOver && asked.closesAtMs > 0 && t("poll.until", { when: momentOf(asked.closesAtMs) }),
  ];
  return (
    <fieldset className="poll" disabled={isOver || !isSent}>
      <legend dir="auto">{asked.question}</legend>
      {asked.options.map((option, at) => (
        <Option
          // biome-ignore lint/suspicious/noArrayIndexKey: options are named by their places.
          key={at}
          text={option.text}
          emoji={option.emoji}
          votes={tally?.votes[at]}
          share={tally && tally.voters > 0 ? (tally.votes[at] ?? 0) / tally.voters : 0}
          isOwn={own.includes(at)}
          isSingle={asked.maxChoices <= 1}
          onChoose={() => void choose(at)}
        />
      ))}
      <p className="poll-facts">
        {facts.filter(Boolean).join(" · ")}
        {message.isOwn && isSent && !isOver && (
          <Button look="quiet" onClick={() => void message.closePoll().catch(scope.fail)}>
            {t("poll.end")}
          </Button>
        )}
      </p>
    </fieldset>
  );
}

/** The choice after a click: one that was chosen is taken back; of several the oldest makes place. */
export function chosen(own: readonly number[], at: number, max: number): number[] {
  if (own.includes(at)) return own.filter((it) => it !== at);
  return max <= 1 ? [at] : [...own, at].slice(-max);
}

interface OptionProps {
  text: string;
  emoji: string;
  votes: number | undefined;
  share: number;
  isOwn: boolean;
  isSingle: boolean;
  onChoose: () => void;
}

function Option({ text, emoji, votes, share, isOwn, isSingle, onChoose }: OptionProps) {
  const { language } = useText();
  return (
    <button type="button" className="poll-option" aria-pressed={isOwn} onClick={onChoose}>
      <span className="poll-bar" style={{ inlineSize: `${Math.round(share * 100)}%` }} aria-hidden />
      <span className={`poll-mark ${isSingle ? "poll-mark-round" : ""}`} aria-hidden>
        {isOwn && <Check size={12} strokeWidth={3} />}
      </span>
      <span className="poll-text" dir="auto">
        {emoji && `${emoji} `}
        {text}
      </span>
      <span className="poll-votes">{votes?.toLocaleString(language.tag)}</span>
    </button>
  );
}
