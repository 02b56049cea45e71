/** What people put to a message, and who. */

import type { Message, Reaction } from "@parlour/client";
import { SmilePlus } from "lucide-react";
import { EmojiButton } from "../emoji/EmojiButton.tsx";
import { EmojiFace } from "../emoji/own.tsx";
import { useText } from "../i18n/text.ts";
import { useMe } from "../sdk/context.tsx";
import { useNaming } from "./names.ts";
import { useScope } from "./scope.tsx";

/** All of one message, with a button that adds one. */
export function Reactions({ message }: { message: Message }) {
  const { t } = useText();
  const scope = useScope();
  if (message.reactions.length === 0) return null;
  return (
    <ul className="reactions" aria-label={t("message.reactions")}>
      {message.reactions.map((reaction) => (
        <li key={reaction.emoji}>
          <Chip message={message} reaction={reaction} />
        </li>
      ))}
      <li>
        <EmojiButton
          icon={SmilePlus}
          size={15}
          className="reaction reaction-add"
          label={t("action.react")}
          onPick={(emoji) => message.react(emoji).catch(scope.fail)}
        />
      </li>
    </ul>
  );
}

function Chip({ message, reaction }: { message: Message; reaction: Reaction }) {
  const { t, language } = useText();
  const me = useMe();
  const scope = useScope();
  const name = useNaming(reaction.users);
  const isMine = me !== undefined && reaction.users.includes(me);
  const who = t("message.reacted", { who: name(reaction.users), emoji: reaction.emoji });
  const toggle = () =>
    (isMine ? message.unreact(reaction.emoji) : message.react(reaction.emoji)).catch(scope.fail);
  return (
    <button
      type="button"
      className="reaction"
      data-hint={who}
      aria-pressed={isMine}
      aria-label={`${reaction.emoji} ${reaction.users.length}. ${who}`}
      onClick={() => void toggle()}
    >
      <span className="reaction-emoji">
        <EmojiFace emoji={reaction.emoji} size="1.125rem" />
      </span>
      <span className="reaction-count">{reaction.users.length.toLocaleString(language.tag)}</span>
    </button>
  );
}
