/** What stands beside a room; on a phone, in its place. */

import type { RoomId } from "@parlour/client";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../i18n/text.ts";
import { IconButton } from "../ui/Button.tsx";
import { go, hashOf } from "./route.ts";

interface Props {
  title: string;
  detail?: string;
  room: RoomId;
  tools?: ReactNode;
  children: ReactNode;
}

/** The panel. */
export function AsidePanel({ title, detail, room, tools, children }: Props) {
  const { t } = useText();
  return (
    <aside className="aside" aria-label={title}>
      <header className="pane-head">
        <div className="pane-title">
          <h2>{title}</h2>
          {detail && (
            <p className="pane-topic" dir="auto">
              {detail}
            </p>
          )}
        </div>
        {tools}
        <IconButton icon={X} label={t("action.close")} onClick={() => go(hashOf.room(room))} />
      </header>
      {children}
    </aside>
  );
}
