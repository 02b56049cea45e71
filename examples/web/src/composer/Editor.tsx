/** Giving an own message another text, in its place in the timeline. */

import type { Message } from "@parlour/client";
import { useEffect, useRef, useState } from "react";
import { useText } from "../i18n/text.ts";
import { useRoomSummary } from "../sdk/context.tsx";
import { useScope } from "../timeline/scope.tsx";
import { Button } from "../ui/Button.tsx";
import { Field, type FieldHandle } from "./Field.tsx";

/** The editor. */
export function Editor({ message }: { message: Message }) {
  const { t } = useText();
  const scope = useScope();
  const summary = useRoomSummary(message.room);
  const field = useRef<FieldHandle>(null);
  const [text, setText] = useState(message.text);
  useEffect(() => field.current?.focus(), []);
  const close = () => {
    scope.edit(undefined);
    document.querySelector<HTMLElement>(".composer .composer-text")?.focus();
  };
  const save = () => {
    const wanted = text.trim();
    if (wanted === "" && message.attachments.length === 0 && !message.poll) scope.askDelete(message);
    else if (wanted !== message.text) message.edit(wanted).catch(scope.fail);
    close();
  };
  return (
    <div className="editor">
      <Field
        ref={field}
        text={text}
        label={t("editor.label")}
        summary={summary}
        onText={setText}
        onMention={() => undefined}
        onSubmit={save}
        onKey={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          close();
        }}
      />
      <div className="editor-actions">
        <span>{t("editor.hint")}</span>
        <Button look="quiet" onClick={close}>
          {t("action.cancel")}
        </Button>
        <Button look="main" onClick={save}>
          {t("action.save")}
        </Button>
      </div>
    </div>
  );
}
