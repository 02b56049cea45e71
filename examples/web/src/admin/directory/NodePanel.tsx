/** One node: what it is, who is in it, what can be done with it. */

import { type DirectoryNode, type Membership, memberships } from "@parlour/client/admin";
import { Archive, ArchiveRestore, FolderInput, MessageSquare, Pencil, Plus, UserPlus } from "lucide-react";
import { useState } from "react";
import { openRoom } from "../../rooms/RoomRow.tsx";
import { useClient } from "../../sdk/context.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import { useAll } from "../loaded.ts";
import { ChangeDialog } from "../parts/Action.tsx";
import { SearchField } from "../parts/Fields.tsx";
import { Facts, Panel, Waiting } from "../parts/Section.tsx";
import { useAdminText } from "../text.ts";
import {
  AddMemberDialog,
  EditNodeDialog,
  MoveNodeDialog,
  NewNodeDialog,
  RoleDialog,
} from "./NodeDialogs.tsx";
import { belowOf, kindsBelow } from "./tree.ts";

interface Props {
  node: DirectoryNode;
  nodes: readonly DirectoryNode[];
  onChanged: () => void;
}

type Opened = "edit" | "move" | "archive" | "below" | "add" | undefined;

/** The panel. */
export function NodePanel({ node, nodes, onChanged }: Props) {
  const { t } = useAdminText();
  const client = useClient();
  const [opened, setOpened] = useState<Opened>();
  const members = useAll((options) => memberships(client, node.key, options), node.key);
  const isRoot = node.kind === "organization";
  const above = nodes.find(({ key }) => key === node.parent);
  const close = () => setOpened(undefined);
  const changed = () => {
    onChanged();
    members.reload();
  };
  return (
    <Panel title={node.name} detail={t(`kind.${node.kind}`)} part="directory">
      <div className="admin-actions">
        <Button onClick={() => setOpened("edit")}>
          <Pencil size={15} aria-hidden /> {t("node.edit")}
        </Button>
        {kindsBelow(node).length > 0 && !node.isArchived && (
          <Button onClick={() => setOpened("below")}>
            <Plus size={15} aria-hidden /> {t("node.below")}
          </Button>
        )}
        {!isRoot && (
          <Button onClick={() => setOpened("move")}>
            <FolderInput size={15} aria-hidden /> {t("node.move")}
          </Button>
        )}
        {!isRoot && (
          <Button onClick={() => setOpened("archive")}>
            {node.isArchived ? <ArchiveRestore size={15} aria-hidden /> : <Archive size={15} aria-hidden />}
            {t(node.isArchived ? "node.unarchive" : "node.archive")}
          </Button>
        )}
        <Button onClick={() => openRoom(node.id)}>
          <MessageSquare size={15} aria-hidden /> {t("node.room")}
        </Button>
      </div>
      <Facts
        of={[
          [
            t("node.key"),
            isRoot ? (
              t("change.root")
            ) : (
              <code key="key" dir="ltr">
                {node.key}
              </code>
            ),
          ],
          ...(above ? ([[t("node.parent"), <bdi key="above">{above.name}</bdi>]] as const) : []),
          [t("node.topic"), node.topic ? <bdi key="topic">{node.topic}</bdi> : "–"],
          [t("node.seen"), t(node.isPrivate ? "node.private" : "node.public")],
        ]}
      />
      <Members node={node} members={members} onAdd={() => setOpened("add")} onChanged={changed} />
      {opened === "edit" && <EditNodeDialog node={node} onDone={changed} onClose={close} />}
      {opened === "move" && <MoveNodeDialog node={node} nodes={nodes} onDone={changed} onClose={close} />}
      {opened === "archive" && <ArchiveDialog node={node} nodes={nodes} onDone={changed} onClose={close} />}
      {opened === "below" && <NewNodeDialog nodes={nodes} above={node} onMade={changed} onClose={close} />}
      {opened === "add" && (
        <AddMemberDialog
          node={node}
          members={new Set(members.value?.map(({ user }) => user.subject))}
          onDone={changed}
          onClose={close}
        />
      )}
    </Panel>
  );
}

interface ArchiveProps extends Omit<Props, "onChanged"> {
  onDone: () => void;
  onClose: () => void;
}

function ArchiveDialog({ node, nodes, onDone, onClose }: ArchiveProps) {
  const { t } = useAdminText();
  const isArchived = !node.isArchived;
  const n = belowOf(nodes, node.key).length;
  return (
    <ChangeDialog
      title={t(isArchived ? "node.archive-title" : "node.unarchive-title", { name: node.name })}
      label={t(isArchived ? "node.archive" : "node.unarchive")}
      isDanger={isArchived}
      changes={[{ type: "node", key: node.key, isArchived }]}
      onDone={onDone}
      onClose={onClose}
    >
      <p>{t(isArchived ? "node.archive-why" : "node.unarchive-why")}</p>
      {n > 0 && <p>{t("node.archive-below", { n })}</p>}
    </ChangeDialog>
  );
}

interface MembersProps {
  node: DirectoryNode;
  members: ReturnType<typeof useAll<Membership>>;
  onAdd: () => void;
  onChanged: () => void;
}

const SHOWN_MAX = 200;

function Members({ node, members, onAdd, onChanged }: MembersProps) {
  const { t, language, common } = useAdminText();
  const [query, setQuery] = useState("");
  const [role, setRole] = useState<Membership>();
  const [leaving, setLeaving] = useState<Membership>();
  const isRoot = node.kind === "organization";
  const wanted = query.trim().toLocaleLowerCase();
  const all = members.value ?? [];
  const found = all.filter(({ user }) => `${user.name} ${user.subject}`.toLocaleLowerCase().includes(wanted));
  const sorted = found.toSorted((a, b) => a.user.name.localeCompare(b.user.name, language.tag));
  return (
    <section className="admin-block" aria-label={t("members.title")}>
      <header>
        <h3>{t("members.count", { n: all.length })}</h3>
        {!isRoot && (
          <Button look="quiet" onClick={onAdd}>
            <UserPlus size={15} aria-hidden /> {t("members.add")}
          </Button>
        )}
      </header>
      {all.length > 8 && <SearchField label={t("members.search")} value={query} onText={setQuery} />}
      <Waiting of={members} />
      {members.value?.length === 0 && <p className="soft">{t("members.none")}</p>}
      <ul className="admin-list">
        {sorted.slice(0, SHOWN_MAX).map((membership) => (
          <li key={membership.user.id}>
            <Avatar id={membership.user.id} user={membership.user} size={30} />
            <span className="person-names">
              <bdi className="person-name">{membership.user.name}</bdi>
              <bdi className="person-detail">{membership.user.subject}</bdi>
            </span>
            <span className="tag">{membership.role}</span>
            {!isRoot && (
              <span className="row-tools">
                <button type="button" className="link-button" onClick={() => setRole(membership)}>
                  {t("members.role")} <span className="visually-hidden">{membership.user.name}</span>
                </button>
                <button type="button" className="link-button danger" onClick={() => setLeaving(membership)}>
                  {common("action.remove")} <span className="visually-hidden">{membership.user.name}</span>
                </button>
              </span>
            )}
          </li>
        ))}
      </ul>
      {sorted.length > SHOWN_MAX && (
        <p className="soft">{t("members.more", { n: sorted.length - SHOWN_MAX })}</p>
      )}
      {role && (
        <RoleDialog node={node} membership={role} onDone={onChanged} onClose={() => setRole(undefined)} />
      )}
      {leaving && (
        <ChangeDialog
          title={t("members.remove-title", { name: leaving.user.name, node: node.name })}
          label={common("action.remove")}
          isDanger
          changes={[{ type: "no-member", node: node.key, subject: leaving.user.subject }]}
          onDone={onChanged}
          onClose={() => setLeaving(undefined)}
        >
          <p>{t("members.remove-why")}</p>
        </ChangeDialog>
      )}
    </section>
  );
}
