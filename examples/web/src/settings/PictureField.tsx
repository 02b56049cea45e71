/** A picture of somebody or of a room, and the way to another one or none. */

import { Camera, Trash2 } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { useText } from "../i18n/text.ts";
import { portraitOf } from "../people/portrait.ts";
import { useAction } from "../sdk/action.ts";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";

interface Props {
  /** As it is shown now. */
  picture: ReactNode;
  /** There is one that can be taken away. */
  isThere: boolean;
  /** Uses another one, cut to size, or none. */
  onChange: (portrait: Blob | undefined) => Promise<unknown>;
}

/** The picture with its buttons. */
export function PictureField({ picture, isThere, onChange }: Props) {
  const { t } = useText();
  const field = useRef<HTMLInputElement>(null);
  const [isNone, setNone] = useState(false);
  const { isBusy, failure, run } = useAction();
  const choose = async (file: File | undefined) => {
    if (!file) return;
    const portrait = await portraitOf(file).catch(() => undefined);
    setNone(!portrait);
    if (portrait) await run(() => onChange(portrait));
  };
  return (
    <div className="settings-picture">
      {picture}
      <div>
        <div className="settings-line">
          <Button disabled={isBusy} onClick={() => field.current?.click()}>
            <Camera size={16} aria-hidden /> {t("profile.picture")}
          </Button>
          {isThere && (
            <Button look="quiet" disabled={isBusy} onClick={() => void run(() => onChange(undefined))}>
              <Trash2 size={15} aria-hidden /> {t("action.remove")}
            </Button>
          )}
        </div>
        <input
          ref={field}
          type="file"
          hidden
          accept="image/*"
          onChange={(event) => {
            void choose(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
        {isBusy && <p role="status">{t("profile.saving")}</p>}
        {isNone && <Failure text={t("profile.no-picture")} />}
        {failure && <Failure text={failure} />}
      </div>
    </div>
  );
}
