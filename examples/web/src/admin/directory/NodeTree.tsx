/**
 * The tree itself (WAI-ARIA's pattern of that name): up and down go on, right opens and goes in, left closes and goes
 * out, `Enter` chooses, a letter goes to the next name that begins with it.
 */

import type { DirectoryNode, NodeKindName } from "@parlour/client/admin";
import { RoomKind } from "@parlour/client/proto";
import { ChevronDown, Lock } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { RoomIcon } from "../../ui/Avatar.tsx";
import { useAdminText } from "../text.ts";

const KINDS: Record<NodeKindName, number> = {
  organization: RoomKind.ORGANIZATION,
  department: RoomKind.DEPARTMENT,
  team: RoomKind.TEAM,
  project: RoomKind.PROJECT,
  task: RoomKind.TASK,
  unknown: RoomKind.GROUP,
};

/** What kind of node it is, as an icon. */
export function NodeIcon({ node }: { node: DirectoryNode }) {
  return <RoomIcon kind={KINDS[node.kind]} isArchived={node.isArchived} />;
}

interface Props {
  /** Those in sight. */
  nodes: readonly DirectoryNode[];
  all: readonly DirectoryNode[];
  chosen: string | undefined;
  closed: ReadonlySet<string>;
  onClose: (closed: ReadonlySet<string>) => void;
  onChoose: (key: string) => void;
}

/** The tree. */
export function NodeTree({ nodes, all, chosen, closed, onClose, onChoose }: Props) {
  const { t } = useAdminText();
  const list = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<string>();
  const parents = new Set(all.map(({ parent }) => parent));
  const here = [at, chosen, nodes[0]?.key].find((key) => nodes.some((node) => node.key === key));
  const setOpen = (key: string, isOpen: boolean) => {
    const next = new Set(closed);
    if (isOpen) next.delete(key);
    else next.add(key);
    onClose(next);
  };
  const focus = (index: number) => {
    const items = list.current?.querySelectorAll<HTMLElement>("[role=treeitem]");
    items?.[Math.min(Math.max(index, 0), items.length - 1)]?.focus();
  };
  const press = (event: KeyboardEvent, node: DirectoryNode, index: number) => {
    const isParent = parents.has(node.key);
    const isOpen = isParent && !closed.has(node.key);
    const isBack = document.documentElement.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "ArrowDown") focus(index + 1);
    else if (key === "ArrowUp") focus(index - 1);
    else if (key === "Home") focus(0);
    else if (key === "End") focus(nodes.length - 1);
    else if (key === "Enter" || key === " ") onChoose(node.key);
    else if (key === isBack && isOpen) setOpen(node.key, false);
    else if (key === isBack) focus(nodes.findIndex((it) => it.key === node.parent));
    else if ((key === "ArrowLeft" || key === "ArrowRight") && isParent && !isOpen) setOpen(node.key, true);
    else if ((key === "ArrowLeft" || key === "ArrowRight") && isOpen) focus(index + 1);
    else if (key.length === 1) focus(nextWith(nodes, index, key));
    else return;
    event.preventDefault();
  };
  if (nodes.length === 0) return null;
  return (
    <div ref={list} className="tree" role="tree" aria-label={t("part.directory")}>
      {nodes.map((node, index) => {
        const isParent = parents.has(node.key);
        const isOpen = !closed.has(node.key);
        return (
          <div
            key={node.key}
            role="treeitem"
            className="tree-node"
            aria-level={node.depth + 1}
            aria-expanded={isParent ? isOpen : undefined}
            aria-selected={node.key === chosen}
            tabIndex={node.key === here ? 0 : -1}
            data-archived={node.isArchived || undefined}
            data-depth={Math.min(node.depth, 8)}
            onFocus={() => setAt(node.key)}
            onKeyDown={(event) => press(event, node, index)}
            onClick={() => onChoose(node.key)}
          >
            <span
              className="tree-toggle"
              data-open={isOpen || undefined}
              onClick={(event) => {
                event.stopPropagation();
                if (isParent) setOpen(node.key, !isOpen);
              }}
              aria-hidden
            >
              {isParent && <ChevronDown size={15} />}
            </span>
            <NodeIcon node={node} />
            <bdi className="tree-name">{node.name}</bdi>
            {node.isPrivate && <Lock size={13} strokeWidth={2} aria-label={t("node.private")} />}
            {node.isArchived && <span className="tag">{t("node.archived")}</span>}
            <code className="tree-key" dir="ltr" aria-hidden>
              {node.key}
            </code>
          </div>
        );
      })}
    </div>
  );
}

function nextWith(nodes: readonly DirectoryNode[], from: number, letter: string): number {
  const begins = ({ name }: DirectoryNode) => name.toLocaleLowerCase().startsWith(letter.toLocaleLowerCase());
  const after = nodes.findIndex((node, index) => index > from && begins(node));
  return after >= 0 ? after : Math.max(nodes.findIndex(begins), 0);
}
