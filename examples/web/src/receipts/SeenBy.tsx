/** Who has read up to a message, as small pictures under it. */

import type { Message } from "@parlour/client";
import { useText } from "../i18n/text.ts";
import { useNaming } from "../timeline/names.ts";
import { useScope } from "../timeline/scope.tsx";
import { Avatar } from "../ui/Avatar.tsx";
import { useSeenAt } from "./seen.ts";

const SHOWN_MAX = 6;

/** The pictures; pressed, all who have read the message. */
export function SeenBy({ message }: { message: Message }) {
  const { t, language } = useText();
  const scope = useScope();
  const users = useSeenAt(message.seq);
  const name = useNaming(users);
  if (users.length === 0) return null;
  const label = t("seen.up-to-here", { who: name(users) });
  const rest = users.length - SHOWN_MAX;
  return (
    <button
      type="button"
      className="seen-by"
      data-hint={label}
      aria-label={label}
      onClick={() => scope.ask({ what: "seen", message })}
    >
      {users.slice(0, SHOWN_MAX).map((id) => (
        <Avatar key={id} id={id} size={16} />
      ))}
      {rest > 0 && <span>+{rest.toLocaleString(language.tag)}</span>}
    </button>
  );
}
