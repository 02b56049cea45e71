/** Names in sentences. */

import type { UserId } from "@parlour/client";
import { useCallback } from "react";
import { useText } from "../i18n/text.ts";
import { useMe, usePersons, useSigned } from "../sdk/context.tsx";

const NAMED_MAX = 12;

/** Names people one after the other, the user as "you"; draws anew when one of the names has come. */
export function useNaming(ids: readonly UserId[]): (some: readonly UserId[]) => string {
  const { t, language } = useText();
  const { people } = useSigned();
  const me = useMe();
  const known = usePersons(ids);
  // biome-ignore lint/correctness/useExhaustiveDependencies: who is known decides what is said.
  return useCallback(
    (some) => {
      const names = some
        .slice(0, NAMED_MAX)
        .map((id) => (id === me ? t("person.you") : (people.get(id)?.name ?? t("person.unknown"))));
      if (some.length > NAMED_MAX) names.push(t("person.more", { n: some.length - NAMED_MAX }));
      return new Intl.ListFormat(language.tag, { type: "conjunction" }).format(names);
    },
    [people, known, me, t, language],
  );
}
