/** Beginning to talk: with one person, or with several in a group. */

import type { RoomId, User, UserId } from "@parlour/client";
import { fieldOf } from "@parlour/client/proto";
import * as rpc from "@parlour/client/rpc";
import { useState } from "react";
import { useText } from "../i18n/text.ts";
import { PeoplePicker } from "../people/PeoplePicker.tsx";
import { useClient } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { Failure } from "../ui/Failure.tsx";
import { TextField } from "../ui/TextField.tsx";
import { openRoom } from "./RoomRow.tsx";

interface Props {
  onClose: () => void;
}

/** A direct room. */
export function NewDirectDialog({ onClose }: Props) {
  const { t } = useText();
  const client = useClient();
  const [failure, setFailure] = useState<string>();
  const open = async (user: User) => {
    try {
      const room = await client.openDirect(user.id);
      onClose();
      openRoom(room.id);
    } catch (error) {
      setFailure(failureText(error, t));
    }
  };
  return (
    <Dialog title={t("open.direct")} onClose={onClose}>
      {failure && <Failure text={failure} />}
      <PeoplePicker chosen={[]} onChoose={(user) => void open(user)} />
    </Dialog>
  );
}

/** A group. */
export function NewGroupDialog({ onClose }: Props) {
  const { t } = useText();
  const client = useClient();
  const [name, setName] = useState("");
  const [topic, setTopic] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState<readonly User[]>([]);
  const [failure, setFailure] = useState<string>();
  const make = async () => {
    try {
      const room = await client.createGroup(
        name.trim(),
        chosen.map(({ id }) => id),
      );
      if (topic.trim()) await client.call(rpc.SetTopic, { room: fieldOf(room.id), topic: topic.trim() });
      if (isOpen) await client.call(rpc.SetOpen, { room: fieldOf(room.id), open: true });
      onClose();
      openRoom(room.id);
    } catch (error) {
      setFailure(failureText(error, t));
    }
  };
  return (
    <Dialog
      title={t("open.group")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="main" disabled={name.trim() === ""} onClick={() => void make()}>
            {t("group.make")}
          </Button>
        </>
      }
    >
      {failure && <Failure text={failure} />}
      <TextField label={t("group.name")} data-autofocus maxLength={100} value={name} onChange={setName} />
      <TextField label={t("group.topic")} maxLength={250} value={topic} onChange={setTopic} />
      <label className="check">
        <input type="checkbox" checked={isOpen} onChange={(event) => setOpen(event.target.checked)} />{" "}
        {t("group.open")}
      </label>
      <PeoplePicker
        chosen={chosen}
        onChoose={(user) => setChosen([...chosen, user])}
        onDrop={(user) => setChosen(chosen.filter((it) => it !== user))}
      />
    </Dialog>
  );
}

interface AddProps extends Props {
  room: RoomId;
  members: ReadonlySet<UserId>;
  onAdded: () => void;
}

/** More people for a group. */
export function AddMembersDialog({ room, members, onAdded, onClose }: AddProps) {
  const { t } = useText();
  const client = useClient();
  const [chosen, setChosen] = useState<readonly User[]>([]);
  const [failure, setFailure] = useState<string>();
  const add = async () => {
    try {
      await client.room(room).addMembers(chosen.map(({ id }) => id));
      onAdded();
      onClose();
    } catch (error) {
      setFailure(failureText(error, t));
    }
  };
  return (
    <Dialog
      title={t("members.add")}
      onClose={onClose}
      actions={
        <Button look="main" disabled={chosen.length === 0} onClick={() => void add()}>
          {t("members.add")}
        </Button>
      }
    >
      {failure && <Failure text={failure} />}
      <PeoplePicker
        chosen={chosen}
        without={members}
        onChoose={(user) => setChosen([...chosen, user])}
        onDrop={(user) => setChosen(chosen.filter((it) => it !== user))}
      />
    </Dialog>
  );
}
