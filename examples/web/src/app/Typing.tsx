/** Who is typing, below the composer, in a line that is always there so that nothing jumps. */

import type { UserId } from "@parlour/client";
import { useText } from "../i18n/text.ts";
import { useMe } from "../sdk/context.tsx";
import { useNaming } from "../timeline/names.ts";

const NAMED_MAX = 3;

/** The line. */
export function Typing({ ids }: { ids: readonly UserId[] }) {
  const { t } = useText();
  const me = useMe();
  const others = ids.filter((id) => id !== me);
  const name = useNaming(others);
  const who = name(others.slice(0, NAMED_MAX));
  return (
    <p className="typing" aria-live="off">
      {others.length > 0 && (
        <>
          <span className="typing-dots" aria-hidden>
            <i />
            <i />
            <i />
          </span>
          {others.length > NAMED_MAX ? t("typing.many") : t("typing.some", { n: others.length, who })}
        </>
      )}
    </p>
  );
}
