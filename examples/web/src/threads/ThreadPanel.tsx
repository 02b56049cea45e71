/** A thread beside its room: the message it stands under, the replies, and a composer of its own. */

import type { Room } from "@parlour/client";
import { Bell, BellOff } from "lucide-react";
import { useCallback, useState } from "react";
import { AsidePanel } from "../app/AsidePanel.tsx";
import { Conversation } from "../app/Conversation.tsx";
import { useText } from "../i18n/text.ts";
import { useRoomSummary } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { useTimeline } from "../sdk/timeline.ts";
import { IconButton } from "../ui/Button.tsx";
import { toast } from "../ui/toast.tsx";

interface Props {
  room: Room;
  root: number;
  /** A reply to scroll to. */
  at: number | undefined;
  /** The room's name. */
  name: string;
}

/** The panel. */
export function ThreadPanel({ room, root, at, name }: Props) {
  const { t } = useText();
  const summary = useRoomSummary(room.id);
  const source = useTimeline(room, root);
  const [isFollowed, setFollowed] = useState<boolean>();
  // Who doesn't follow the thread has no marker in it, which is no error here.
  const onSeen = useCallback(
    (seq: number) =>
      void room
        .thread(root)
        .markRead(seq)
        .catch(() => undefined),
    [room, root],
  );
  const follow = async () => {
    const thread = room.thread(root);
    const wish = isFollowed === false;
    try {
      await (wish ? thread.follow() : thread.unfollow());
      setFollowed(wish);
      toast(t(wish ? "thread.followed" : "thread.unfollowed"));
    } catch (error) {
      toast(failureText(error, t));
    }
  };
  const tool = (
    <IconButton
      icon={isFollowed === false ? Bell : BellOff}
      label={t(isFollowed === false ? "thread.follow" : "thread.unfollow")}
      onClick={() => void follow()}
    />
  );
  return (
    <AsidePanel title={t("thread.title")} detail={name} room={room.id} tools={tool}>
      {source && (
        <Conversation
          room={room}
          root={root}
          summary={summary}
          source={source}
          label={t("thread.title")}
          name={name}
          placeholder={t("thread.placeholder")}
          start={<div className="thread-start" />}
          at={at}
          readSeq={undefined}
          onSeen={onSeen}
        />
      )}
    </AsidePanel>
  );
}
