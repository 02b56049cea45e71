/** What an edited message said before: each version, the newest first. */

import type { Message } from "@parlour/client";
import {
  decode,
  fieldOf,
  Kind,
  MessageEdited,
  MessagePosted,
  type ReadEditsItem,
} from "@parlour/client/proto";
import * as rpc from "@parlour/client/rpc";
import { useEffect, useState } from "react";
import { momentOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { Markdown } from "../markdown/Markdown.tsx";
import { useClient } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Failure } from "../ui/Failure.tsx";

interface Version {
  readonly seq: number;
  readonly atMs: number;
  readonly text: string;
}

/** The dialog. */
export default function HistoryDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const { t } = useText();
  const client = useClient();
  const [versions, setVersions] = useState<readonly Version[]>();
  const [failure, setFailure] = useState<string>();
  const { room, seq = 0 } = message;
  useEffect(() => {
    const ended = new AbortController();
    const request = { room: fieldOf(room), targetSeq: seq };
    client.call(rpc.ReadEdits, request, { signal: ended.signal }).then(
      (items) => setVersions(versionsOf(items)),
      (error: unknown) => ended.signal.aborted || setFailure(failureText(error, t)),
    );
    return () => ended.abort();
  }, [client, room, seq, t]);
  return (
    <Dialog title={t("edits.title")} onClose={onClose} className="dialog-wide">
      {failure && <Failure text={failure} />}
      {!versions && !failure && <p className="empty-line">{t("state.loading")}</p>}
      <ol className="versions">
        {versions?.map(({ seq: key, atMs, text }, at) => (
          <li key={key}>
            <p className="version-head">
              <time dateTime={new Date(atMs).toISOString()}>{momentOf(atMs)}</time>
              {at === 0 && <span className="tag">{t("edits.now")}</span>}
              {at === versions.length - 1 && <span className="tag">{t("edits.first")}</span>}
            </p>
            <div className="text" dir="auto">
              <Markdown text={text} marks={[]} />
            </div>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

function versionsOf(items: readonly ReadEditsItem[]): Version[] {
  const events = items.flatMap((item) => item.events);
  const versions = events.flatMap(({ header, body }): Version[] => {
    if (!header) return [];
    const isFirst = header.kind === Kind.messagePosted;
    const { text } = isFirst ? decode(MessagePosted, body) : decode(MessageEdited, body);
    return [{ seq: header.seq, atMs: header.atMs, text }];
  });
  return versions.reverse();
}
