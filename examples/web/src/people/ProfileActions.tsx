/** What can be done about somebody: writing to them, mentioning them, blocking them, taking their id along. */

import type { User } from "@parlour/client";
import { block, unblock } from "@parlour/client/people";
import { AtSign, Ban, Copy, MessageSquareText } from "lucide-react";
import { useMention } from "../composer/mentioning.ts";
import { useText } from "../i18n/text.ts";
import { openRoom } from "../rooms/RoomRow.tsx";
import { useAction } from "../sdk/action.ts";
import { useClient, useMe } from "../sdk/context.tsx";
import { useConversation } from "../timeline/scope.tsx";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { toast } from "../ui/toast.tsx";

interface Props {
  person: User;
  isBlocked: boolean;
  /** The user goes elsewhere from here. */
  onLeave: () => void;
}

/** The buttons. */
export function ProfileActions({ person, isBlocked, onLeave }: Props) {
  const { t } = useText();
  const client = useClient();
  const isMe = person.id === useMe();
  const mention = useMention(useConversation());
  const { isBusy, failure, run } = useAction();
  const write = () =>
    run(async () => {
      const room = await client.openDirect(person.id);
      onLeave();
      openRoom(room.id);
    });
  const turn = () => run(() => (isBlocked ? unblock(client, person.id) : block(client, person.id)));
  const copy = async () => {
    await navigator.clipboard.writeText(person.id);
    toast(t("action.copied"));
  };
  const isReachable = !isMe && !person.isDeactivated;
  return (
    <div className="profile-actions">
      {isReachable && (
        <Button look="main" disabled={isBlocked || isBusy} onClick={() => void write()}>
          <MessageSquareText size={16} aria-hidden /> {t("person.write")}
        </Button>
      )}
      {isReachable && mention && (
        <Button
          onClick={() => {
            onLeave();
            mention(person);
          }}
        >
          <AtSign size={16} aria-hidden /> {t("person.mention")}
        </Button>
      )}
      {!isMe && (
        <Button look="quiet" disabled={isBusy} onClick={() => void turn()}>
          <Ban size={15} aria-hidden /> {t(isBlocked ? "person.unblock" : "person.block")}
        </Button>
      )}
      <Button look="quiet" onClick={() => void copy()}>
        <Copy size={15} aria-hidden /> {t("person.copy-id")}
      </Button>
      {failure && <Failure text={failure} />}
    </div>
  );
}
