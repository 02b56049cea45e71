import type { DirectoryNode, NodeKindName } from "@parlour/client/admin";
import { describe, expect, test } from "vitest";
import { belowOf, keyFor, kindsBelow, placesFor, shownOf } from "./tree.ts";

function node(
  key: string,
  parent: string | undefined,
  kind: NodeKindName,
  isArchived = false,
): DirectoryNode {
  const depth = parent === undefined ? 0 : key.split("/").length;
  const rest = { topic: "", isPrivate: false, isArchived, id: key as DirectoryNode["id"] };
  return { key, parent, kind, depth, name: key.toUpperCase(), ...rest };
}

const NODES = [
  node("", undefined, "organization"),
  node("eng", "", "department"),
  node("eng/web", "eng", "team"),
  node("eng/web/site", "eng/web", "project"),
  node("eng/web/site/go", "eng/web/site", "task"),
  node("old", "", "department", true),
  node("old/team", "old", "team", true),
];
const keys = (nodes: readonly DirectoryNode[]) => nodes.map(({ key }) => key);
const open = { closed: new Set<string>(), query: "", archived: false };

describe("what is in sight", () => {
  test("are open nodes that aren't archived", () => {
    expect(keys(shownOf(NODES, open))).toEqual(["", "eng", "eng/web", "eng/web/site", "eng/web/site/go"]);
    expect(keys(shownOf(NODES, { ...open, archived: true }))).toHaveLength(7);
    expect(keys(shownOf(NODES, { ...open, closed: new Set(["eng/web"]) }))).toEqual(["", "eng", "eng/web"]);
  });

  test("is what was found, with all above it", () => {
    const closed = new Set([""]);
    expect(keys(shownOf(NODES, { closed, query: "SITE/go", archived: false }))).toHaveLength(5);
    expect(shownOf(NODES, { closed, query: "old", archived: false })).toEqual([]);
  });
});

test("what is below a node", () => {
  expect(keys(belowOf(NODES, "eng/web"))).toEqual(["eng/web/site", "eng/web/site/go"]);
  expect(belowOf(NODES, "")).toHaveLength(6);
});

test("a node can't be moved below itself, and a task only below projects", () => {
  expect(keys(placesFor(NODES, NODES[2] as DirectoryNode))).toEqual(["", "eng"]);
  expect(keys(placesFor(NODES, NODES[4] as DirectoryNode))).toEqual(["eng/web/site"]);
  expect(kindsBelow(NODES[4] as DirectoryNode)).toEqual([]);
  expect(kindsBelow(NODES[3] as DirectoryNode)).toContain("task");
  expect(kindsBelow(NODES[1] as DirectoryNode)).not.toContain("task");
});

test("a key is made of the name", () => {
  expect(keyFor("Prüfstand & Werkstatt", "eng")).toBe("eng/prufstand-werkstatt");
  expect(keyFor("نور", "eng")).toBe("");
});
