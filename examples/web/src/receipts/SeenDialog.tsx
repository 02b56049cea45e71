/** Who has read a message: asked for when somebody wants to know, in rooms of any size. */

import type { Message } from "@parlour/client";
import { type Receipt, receipts } from "@parlour/client/receipts";
import { useEffect, useState } from "react";
import { shortOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { usePerson } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { summaryOf } from "../timeline/Quote.tsx";
import { useScope } from "../timeline/scope.tsx";
import { Avatar } from "../ui/Avatar.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { Failure } from "../ui/Failure.tsx";

/** The dialog. */
export default function SeenDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const { t } = useText();
  const { room } = useScope();
  const [read, setRead] = useState<readonly Receipt[]>();
  const [failure, setFailure] = useState<string>();
  const { seq = 0, sender } = message;
  useEffect(() => {
    const ended = new AbortController();
    receipts(room, { signal: ended.signal }).then(
      (opened) => {
        const all = [...opened.current.values()].filter((it) => it.seq >= seq && it.user !== sender);
        setRead(all.sort((a, b) => b.atMs - a.atMs));
        opened.close();
      },
      (error: unknown) => ended.signal.aborted || setFailure(failureText(error, t)),
    );
    return () => ended.abort();
  }, [room, seq, sender, t]);
  return (
    <Dialog title={t("seen.title")} onClose={onClose}>
      <blockquote className="delete-quote" dir="auto">
        {summaryOf(message, t("attachment.unnamed"))}
      </blockquote>
      {failure && <Failure text={failure} />}
      {!read && !failure && <p className="empty-line">{t("state.loading")}</p>}
      {read?.length === 0 && <p className="empty-line">{t("seen.nobody")}</p>}
      <ul className="people-list">
        {read?.map((receipt) => (
          <li key={receipt.user} className="person-row">
            <Reader receipt={receipt} />
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function Reader({ receipt: { user, atMs } }: { receipt: Receipt }) {
  const person = usePerson(user);
  return (
    <>
      <Avatar id={user} size={28} />
      <bdi className="person-name">{person?.name}</bdi>
      <time className="person-when" dateTime={new Date(atMs).toISOString()}>
        {shortOf(atMs)}
      </time>
    </>
  );
}
