/** The dialogs that change nodes, and who is in them. */

import type { User } from "@parlour/client";
import {
  changeDirectory,
  type DirectoryNode,
  type Membership,
  type NodeKindName,
} from "@parlour/client/admin";
import { useState } from "react";
import { useClient } from "../../sdk/context.tsx";
import { toast } from "../../ui/toast.tsx";
import { Refused } from "../failure.ts";
import { AskDialog, ChangeDialog } from "../parts/Action.tsx";
import { CheckField, ChoiceField, TextField } from "../parts/Fields.tsx";
import { PersonPicker } from "../parts/PersonPicker.tsx";
import { useAdminText } from "../text.ts";
import { keyFor, kindsBelow, placesFor } from "./tree.ts";

const NAME_MAX = 100;
const KEY = "[a-z0-9._\\-\\/]{1,64}";
const ROLE = "[a-z0-9_\\-]{1,32}";

interface DialogProps {
  onDone: () => void;
  onClose: () => void;
}

/** Makes the organization itself, which all else is below. */
export function FoundDialog({ onFound, onClose }: { onFound: () => void; onClose: () => void }) {
  const { t } = useAdminText();
  const client = useClient();
  const [name, setName] = useState("");
  return (
    <AskDialog
      title={t("directory.found")}
      label={t("directory.found")}
      isReady={name.trim() !== ""}
      onClose={onClose}
      onDo={async () => {
        await changeDirectory(client, [{ type: "node", key: "", kind: "organization", name: name.trim() }]);
        onFound();
      }}
    >
      <TextField label={t("node.name")} value={name} maxLength={NAME_MAX} data-autofocus onText={setName} />
    </AskDialog>
  );
}

interface NewProps {
  nodes: readonly DirectoryNode[];
  above: DirectoryNode;
  onMade: (key: string) => void;
  onClose: () => void;
}

/** A new node. */
export function NewNodeDialog({ nodes, above: first, onMade, onClose }: NewProps) {
  const { t } = useAdminText();
  const client = useClient();
  const places = nodes.filter((node) => !node.isArchived && kindsBelow(node).length > 0);
  const [above, setAbove] = useState(places.includes(first) ? first.key : "");
  const place = places.find(({ key }) => key === above);
  const kinds = place ? kindsBelow(place) : [];
  const [wanted, setKind] = useState<NodeKindName>("team");
  const kind = kinds.find((it) => it === wanted) ?? kinds[0];
  const [name, setName] = useState("");
  const [ownKey, setKey] = useState<string>();
  const [topic, setTopic] = useState("");
  const [isPrivate, setPrivate] = useState(false);
  const key = ownKey ?? keyFor(name, above);
  const make = async () => {
    const says = { name: name.trim(), topic: topic.trim(), isPrivate };
    const change = { type: "node", key, kind, parent: above, ...says } as const;
    const [outcome] = await changeDirectory(client, [change], { dryRun: true });
    // A key that somebody has taken meanwhile would change the node that has it.
    if (outcome !== "created") throw new Refused("node.key-taken");
    await changeDirectory(client, [change]);
    toast(t("done"));
    onMade(key);
  };
  const isTaken = nodes.some((node) => node.key === key);
  return (
    <AskDialog
      title={t("node.new")}
      label={t("node.make")}
      isReady={name.trim() !== "" && key !== "" && !isTaken}
      onClose={onClose}
      onDo={make}
    >
      <TextField label={t("node.name")} value={name} maxLength={NAME_MAX} data-autofocus onText={setName} />
      <ChoiceField
        label={t("node.parent")}
        value={above}
        options={places.map((node) => [node.key, `${"\u2003".repeat(node.depth)}${node.name}`] as const)}
        onChoose={setAbove}
      />
      <ChoiceField
        label={t("node.kind")}
        value={kind ?? "team"}
        options={kinds.map((it) => [it, t(`kind.${it}`)] as const)}
        onChoose={setKind}
      />
      <TextField
        label={t("node.key")}
        hint={isTaken ? t("node.key-taken") : t("node.key-why")}
        value={key}
        dir="ltr"
        pattern={KEY}
        maxLength={64}
        aria-invalid={isTaken}
        spellCheck={false}
        onText={setKey}
      />
      <TextField label={t("node.topic")} value={topic} maxLength={250} onText={setTopic} />
      <CheckField
        label={t("node.private")}
        hint={t("node.private-why")}
        isOn={isPrivate}
        onTurn={setPrivate}
      />
    </AskDialog>
  );
}

/** Another name, topic, or way to be seen. */
export function EditNodeDialog({ node, onDone, onClose }: DialogProps & { node: DirectoryNode }) {
  const { t, common } = useAdminText();
  const client = useClient();
  const [name, setName] = useState(node.name);
  const [topic, setTopic] = useState(node.topic);
  const [isPrivate, setPrivate] = useState(node.isPrivate);
  const isRoot = node.kind === "organization";
  return (
    <AskDialog
      title={t("node.edit-title", { name: node.name })}
      label={common("action.save")}
      isReady={name.trim() !== ""}
      onClose={onClose}
      onDo={async () => {
        const seen = isRoot ? {} : { isPrivate };
        const change = {
          type: "node",
          key: node.key,
          name: name.trim(),
          topic: topic.trim(),
          ...seen,
        } as const;
        await changeDirectory(client, [change]);
        toast(t("done"));
        onDone();
      }}
    >
      <TextField label={t("node.name")} value={name} maxLength={NAME_MAX} data-autofocus onText={setName} />
      <TextField label={t("node.topic")} value={topic} maxLength={250} onText={setTopic} />
      {!isRoot && (
        <CheckField
          label={t("node.private")}
          hint={t("node.private-why")}
          isOn={isPrivate}
          onTurn={setPrivate}
        />
      )}
    </AskDialog>
  );
}

interface MoveProps extends DialogProps {
  node: DirectoryNode;
  nodes: readonly DirectoryNode[];
}

/** Another place in the tree. */
export function MoveNodeDialog({ node, nodes, onDone, onClose }: MoveProps) {
  const { t } = useAdminText();
  const [parent, setParent] = useState(node.parent ?? "");
  return (
    <ChangeDialog
      title={t("node.move-title", { name: node.name })}
      label={t("node.move")}
      changes={[{ type: "node", key: node.key, parent }]}
      onDone={onDone}
      onClose={onClose}
    >
      <ChoiceField
        label={t("node.parent")}
        value={parent}
        options={placesFor(nodes, node).map(
          (it) => [it.key, `${"\u2003".repeat(it.depth)}${it.name}`] as const,
        )}
        onChoose={setParent}
      />
      <p className="soft">{t("node.move-why")}</p>
    </ChangeDialog>
  );
}

interface AddProps extends DialogProps {
  node: DirectoryNode;
  /** Subjects of those who are in it. */
  members: ReadonlySet<string>;
}

/** Somebody more in a node. */
export function AddMemberDialog({ node, members, onDone, onClose }: AddProps) {
  const { t } = useAdminText();
  const client = useClient();
  const [who, setWho] = useState<User>();
  const [role, setRole] = useState("");
  return (
    <AskDialog
      title={t("members.add-title", { node: node.name })}
      label={t("members.add")}
      isReady={who !== undefined}
      onClose={onClose}
      onDo={async () => {
        if (who)
          await changeDirectory(client, [{ type: "member", node: node.key, subject: who.subject, role }]);
        toast(t("done"));
        onDone();
      }}
    >
      <PersonPicker label={t("members.who")} chosen={who} without={members} onChoose={setWho} />
      <RoleField node={node} value={role} onText={setRole} />
    </AskDialog>
  );
}

interface RoleProps extends DialogProps {
  node: DirectoryNode;
  membership: Membership;
}

/** Another role in a node. */
export function RoleDialog({ node, membership, onDone, onClose }: RoleProps) {
  const { t } = useAdminText();
  const { user } = membership;
  const [role, setRole] = useState(membership.role);
  return (
    <ChangeDialog
      title={t("members.role-title", { name: user.name, node: node.name })}
      label={t("members.role")}
      changes={[{ type: "member", node: node.key, subject: user.subject, role }]}
      onDone={onDone}
      onClose={onClose}
    >
      <RoleField node={node} value={role} onText={setRole} />
    </ChangeDialog>
  );
}

interface RoleFieldProps {
  node: DirectoryNode;
  value: string;
  onText: (text: string) => void;
}

function RoleField({ node, value, onText }: RoleFieldProps) {
  const { t } = useAdminText();
  const usual = node.kind === "task" ? "assignee" : "member";
  return (
    <TextField
      label={t("members.role")}
      hint={t("members.role-why")}
      placeholder={usual}
      value={value}
      dir="ltr"
      pattern={ROLE}
      spellCheck={false}
      onText={onText}
    />
  );
}
