/** The tree as it is shown: what is closed, what is searched for, what can be moved where. */

import type { DirectoryNode } from "@parlour/client/admin";

/** What narrows it. */
export interface Shown {
  readonly closed: ReadonlySet<string>;
  readonly query: string;
  readonly archived: boolean;
}

/** The nodes that are in sight. What is found is shown with what is above it, closed or not. */
export function shownOf(
  nodes: readonly DirectoryNode[],
  { closed, query, archived }: Shown,
): DirectoryNode[] {
  const wanted = query.trim().toLocaleLowerCase();
  const known = new Map(nodes.map((node) => [node.key, node]));
  const kept = new Set<string>();
  for (const node of nodes) {
    if (node.isArchived && !archived) continue;
    if (wanted && !`${node.name} ${node.key}`.toLocaleLowerCase().includes(wanted)) continue;
    for (let at: DirectoryNode | undefined = node; at && !kept.has(at.key); at = aboveOf(at, known))
      kept.add(at.key);
  }
  const hidden = new Set<string>();
  return nodes.filter((node) => {
    const isBelow = node.parent !== undefined && hidden.has(node.parent);
    if (isBelow || (!wanted && closed.has(node.key))) hidden.add(node.key);
    return !isBelow && kept.has(node.key);
  });
}

function aboveOf(
  { parent }: DirectoryNode,
  known: ReadonlyMap<string, DirectoryNode>,
): DirectoryNode | undefined {
  return parent === undefined ? undefined : known.get(parent);
}

/** All nodes below one. */
export function belowOf(nodes: readonly DirectoryNode[], key: string): DirectoryNode[] {
  const above = new Set([key]);
  return nodes.filter(({ key: own, parent }) => {
    const isBelow = parent !== undefined && above.has(parent);
    if (isBelow) above.add(own);
    return isBelow;
  });
}

/** Those that a node can be moved below: neither itself, nor what is below it, nor a task. */
export function placesFor(nodes: readonly DirectoryNode[], moved: DirectoryNode): DirectoryNode[] {
  const below = new Set(belowOf(nodes, moved.key).map(({ key }) => key));
  const isPlace = ({ key, kind, isArchived }: DirectoryNode) =>
    key !== moved.key && !below.has(key) && !isArchived && kind !== "task";
  return nodes.filter((node) => isPlace(node) && (moved.kind !== "task" || node.kind === "project"));
}

/** What may be put below a node. */
export function kindsBelow(node: DirectoryNode): readonly ("department" | "team" | "project" | "task")[] {
  if (node.kind === "task") return [];
  const others = ["department", "team", "project"] as const;
  return node.kind === "project" ? ["task", ...others] : others;
}

/** A key out of a name, below the key above it: what people would choose themselves. */
export function keyFor(name: string, above: string): string {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const own = plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  return own ? `${above ? `${above}/` : ""}${own}`.slice(0, 64) : "";
}
