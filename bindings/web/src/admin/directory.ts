/** An organization's directory as it is: its tree, and who is where in it (PROTOCOL.md, section 19). */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import { type User, usersOf } from "../client/user.js";
import type { Node } from "../generated/directory/v1/directory.js";
import { ListMemberships, ListNodes } from "../generated/rpc.js";
import { idOf, type RoomId } from "../ids.js";
import { NODES_PAGE } from "../limits.js";
import { kindName, type NodeKindName } from "./change.js";
import { type Page, pageOf } from "./page.js";

/** A node. Its room has the same id. */
export interface DirectoryNode {
  readonly id: RoomId;
  /** Its name in calls, never changed; empty for the organization. */
  readonly key: string;
  readonly kind: NodeKindName;
  /** The key of the node above it; absent for the organization. */
  readonly parent: string | undefined;
  /** How many nodes are above it, as far as they are seen. */
  readonly depth: number;
  readonly name: string;
  readonly topic: string;
  /** Only those in its room see it. */
  readonly isPrivate: boolean;
  /** It or a node above it is archived. */
  readonly isArchived: boolean;
}

/** A user in a node. */
export interface Membership {
  readonly user: User;
  /** Their role there. */
  readonly role: string;
}

/**
 * The nodes, each right after the one above it and those beside it by name: with the scope `admin:directory` all of
 * them, else those that the user sees. None where the organization has no directory.
 */
export async function directory(client: Client, options: CallOptions = {}): Promise<DirectoryNode[]> {
  const nodes: Node[] = [];
  let page = new Uint8Array(0);
  do {
    const answer = await client.call(ListNodes, { page, pageSize: NODES_PAGE }, options);
    nodes.push(...answer.nodes);
    page = answer.nextPage as Uint8Array<ArrayBuffer>;
  } while (page.length > 0);
  return treeOf(nodes);
}

/** @internal In the order of the tree. */
export function treeOf(nodes: readonly Node[]): DirectoryNode[] {
  const keys = new Map(nodes.map((node) => [idOf(node.id), node.key]));
  const below = new Map<string | undefined, Node[]>();
  for (const node of nodes) {
    const above = keys.get(idOf(node.parent));
    below.set(above, [...(below.get(above) ?? []), node]);
  }
  const tree: DirectoryNode[] = [];
  const add = (parent: string | undefined, depth: number) => {
    for (const node of (below.get(parent) ?? []).sort((a, b) => a.name.localeCompare(b.name))) {
      const id = idOf(node.id);
      if (id === undefined) continue;
      const { key, kind, name, topic, private: isPrivate, archived: isArchived } = node;
      tree.push({ id, key, kind: kindName(kind), parent, depth, name, topic, isPrivate, isArchived });
      add(key, depth + 1);
    }
  };
  add(undefined, 0);
  return tree;
}

/**
 * Who is in a node directly; those of nodes below it aren't. Of the organization, whose key is empty: everybody, with
 * their roles in it. Scope `admin:directory`. Fails with `NODE_NOT_FOUND`.
 */
export async function memberships(
  client: Client,
  node: string,
  options: CallOptions = {},
): Promise<Page<Membership>> {
  return pageOf(async (page, more) => {
    const answer = await client.call(ListMemberships, { node, page, pageSize: NODES_PAGE }, more);
    const items = answer.memberships.flatMap(({ user, role }) => {
      const [known] = usersOf(user ? [user] : []);
      return known ? [{ user: known, role }] : [];
    });
    return { items, nextPage: answer.nextPage };
  }, options);
}
