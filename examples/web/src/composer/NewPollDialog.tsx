/** Asking something. */

import { Plus, X } from "lucide-react";
import { useState } from "react";
import { useText } from "../i18n/text.ts";
import { useScope } from "../timeline/scope.tsx";
import { Button, IconButton } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";

const OPTIONS_MAX = 20;

interface Line {
  id: number;
  text: string;
}

/** The dialog. */
export function NewPollDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const { room, root, fail } = useScope();
  const [question, setQuestion] = useState("");
  const [lines, setLines] = useState<Line[]>([1, 2].map((id) => ({ id, text: "" })));
  const [isMulti, setMulti] = useState(false);
  const [isAnonymous, setAnonymous] = useState(false);
  const options = [...new Set(lines.map(({ text }) => text.trim()).filter(Boolean))];
  const isReady = question.trim() !== "" && options.length >= 2;
  const ask = () => {
    const poll = {
      question: question.trim(),
      options,
      maxChoices: isMulti ? options.length : 1,
      isAnonymous,
    };
    room.queue({ poll, threadRoot: root }).then(({ sent }) => void sent.catch(() => undefined), fail);
    onClose();
  };
  return (
    <Dialog
      title={t("poll.new")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="main" disabled={!isReady} onClick={ask}>
            {t("poll.ask")}
          </Button>
        </>
      }
    >
      <label className="labelled">
        {t("poll.question")}
        <input
          className="field"
          dir="auto"
          data-autofocus
          value={question}
          maxLength={250}
          onChange={(event) => setQuestion(event.target.value)}
        />
      </label>
      <fieldset className="labelled poll-lines">
        <legend>{t("poll.options")}</legend>
        {lines.map(({ id, text }, at) => (
          <div key={id} className="poll-line">
            <input
              className="field"
              dir="auto"
              value={text}
              maxLength={100}
              aria-label={t("poll.option", { n: at + 1 })}
              onChange={(event) =>
                setLines(lines.map((line) => (line.id === id ? { id, text: event.target.value } : line)))
              }
            />
            {lines.length > 2 && (
              <IconButton
                icon={X}
                label={t("action.remove")}
                onClick={() => setLines(lines.filter((line) => line.id !== id))}
              />
            )}
          </div>
        ))}
        {lines.length < OPTIONS_MAX && (
          <Button
            look="quiet"
            onClick={() => setLines([...lines, { id: (lines.at(-1)?.id ?? 0) + 1, text: "" }])}
          >
            <Plus size={16} aria-hidden /> {t("poll.add")}
          </Button>
        )}
      </fieldset>
      <label className="check">
        <input type="checkbox" checked={isMulti} onChange={(event) => setMulti(event.target.checked)} />{" "}
        {t("poll.multi")}
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={isAnonymous}
          onChange={(event) => setAnonymous(event.target.checked)}
        />{" "}
        {t("poll.secret")}
      </label>
    </Dialog>
  );
}
