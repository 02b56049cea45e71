/** The head of a view that takes the room's place: its name, and on phones the way back. */

import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../i18n/text.ts";
import { IconButton } from "../ui/Button.tsx";
import { go, hashOf } from "./route.ts";

/** The head, with what stands at its end. */
export function PaneHead({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <header className="pane-head">
      <BackButton />
      <div className="pane-title">
        <h1>{title}</h1>
      </div>
      {children}
    </header>
  );
}

/** The way back to the list of rooms, where only one of the two is shown. */
export function BackButton() {
  const { t } = useText();
  return (
    <IconButton icon={ArrowLeft} className="back" label={t("nav.back")} onClick={() => go(hashOf.home())} />
  );
}
