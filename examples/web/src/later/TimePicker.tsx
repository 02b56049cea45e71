/** Choosing a time: some that are usual, or any other. */

import { useState } from "react";
import { momentOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { Button } from "../ui/Button.tsx";
import { fieldTime, type Offered } from "./times.ts";

const HOUR_MS = 3_600_000;

interface Props {
  offered: readonly Offered[];
  /** What is done at the time that is chosen. */
  label: string;
  onChoose: (atMs: number) => void;
}

/** The times as a list of buttons, and a field. */
export function TimePicker({ offered, label, onChoose }: Props) {
  const { t } = useText();
  const [value, setValue] = useState(() => fieldTime(Date.now() + HOUR_MS));
  const own = new Date(value).getTime();
  const isPast = !(own > Date.now());
  return (
    <div className="times">
      <ul>
        {offered.map(({ label: name, atMs }, at) => (
          <li key={name}>
            <button
              type="button"
              className="time-choice"
              data-autofocus={at === 0 ? "" : undefined}
              onClick={() => onChoose(atMs)}
            >
              <span>{t(name)}</span>
              <span className="time-moment">{momentOf(atMs)}</span>
            </button>
          </li>
        ))}
      </ul>
      <div className="time-own">
        <label className="labelled">
          {t("later.own")}
          <input
            type="datetime-local"
            className="field"
            value={value}
            min={fieldTime(Date.now())}
            onChange={(event) => setValue(event.target.value)}
          />
        </label>
        <Button look="main" disabled={isPast} onClick={() => onChoose(own)}>
          {label}
        </Button>
      </div>
    </div>
  );
}
