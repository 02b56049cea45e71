/** Which message is being answered, above the field. */

import { X } from "lucide-react";
import { useText } from "../i18n/text.ts";
import { useMe, usePerson } from "../sdk/context.tsx";
import { summaryOf } from "../timeline/Quote.tsx";
import { useScope } from "../timeline/scope.tsx";
import { IconButton } from "../ui/Button.tsx";

/** The line. */
export function Answering() {
  const { t } = useText();
  const { answering, answer } = useScope();
  const me = useMe();
  const sender = usePerson(answering?.sender ?? me);
  return (
    <div className="answering">
      <span dir="auto">
        <strong>{t("composer.answering", { name: sender?.name ?? "" })}</strong> {summaryOf(answering, "")}
      </span>
      <IconButton icon={X} size={15} label={t("action.cancel")} onClick={() => answer(undefined)} />
    </div>
  );
}
