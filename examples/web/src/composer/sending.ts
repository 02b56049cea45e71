/** From a draft to a message: at once, with the files that wait for it, or later. */

import type { Draft } from "@parlour/client";
import { attachmentsOf } from "../files/desk.ts";
import { useDesk } from "../files/desks.ts";
import { momentOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { kept } from "../later/kept.ts";
import { openSchedule } from "../later/lists.ts";
import { useScope } from "../timeline/scope.tsx";
import { toast } from "../ui/toast.tsx";
import { mentionsIn } from "./draft.ts";
import type { Writing } from "./writing.ts";

const TEXT_BYTES_MAX = 16 * 1024;

/** What can become of a draft. */
export interface Sending {
  /** There is nothing to send. */
  readonly isEmpty: boolean;
  readonly send: () => void;
  readonly schedule: (atMs: number) => Promise<void>;
}

/** Sends what is written in the conversation. */
export function useSending({ draft, clear }: Writing, onSent: (() => void) | undefined): Sending {
  const { t } = useText();
  const { room, root, answering, answer, fail } = useScope();
  const { desk, state } = useDesk(room, root);
  const isEmpty = draft.text.trim() === "" && state.tray.length === 0;
  /** What is written, as a message; nothing where it can't be one. */
  const take = (): Draft | undefined => {
    const text = draft.text.trim();
    if (isEmpty) return undefined;
    if (new TextEncoder().encode(text).length > TEXT_BYTES_MAX) {
      toast(t("error.too-long"));
      return undefined;
    }
    return {
      text,
      mentions: mentionsIn(draft),
      mentionsEveryone: root === undefined && /(?:^|\s)@everyone\b/.test(text),
      replyTo: answering?.seq,
      threadRoot: root,
    };
  };
  const done = () => {
    clear();
    answer(undefined);
    onSent?.();
  };
  const send = () => {
    const message = take();
    if (!message) return;
    done();
    if (state.tray.length > 0) desk.send(message);
    // What becomes of it stands in the timeline.
    else room.queue(message).then(({ sent }) => void sent.catch(() => undefined), fail);
  };
  const schedule = async (atMs: number) => {
    const message = take();
    if (!message) return;
    try {
      const list = await kept(room.client, openSchedule);
      await list.send(room.id, { ...message, attachments: attachmentsOf(state.tray) }, atMs);
      for (const { key } of state.tray) desk.remove(key);
      done();
      toast(t("schedule.done", { when: momentOf(atMs) }));
    } catch (error) {
      fail(error);
    }
  };
  return { isEmpty, send, schedule };
}
