import { describe, expect, it } from "vitest";
import { type Node, NodeKind } from "../generated/directory/v1/directory.js";
import { changeOf } from "./change.js";
import { treeOf } from "./directory.js";

const id = (number: number) => new Uint8Array(16).fill(number);

function node(number: number, parent: number | undefined, key: string, name: string): Node {
  const above = parent === undefined ? new Uint8Array(0) : id(parent);
  const kind = parent === undefined ? NodeKind.ORGANIZATION : NodeKind.TEAM;
  return { id: id(number), key, kind, parent: above, name, topic: "", private: false, archived: false };
}

describe("the tree", () => {
  it("has each node right after the one above it, by name", () => {
    const nodes = [
      node(9, 4, "b/x", "X"),
      node(3, 1, "a", "Zebra"),
      node(4, 1, "b", "Ape"),
      node(1, undefined, "", "Acme"),
    ];
    const tree = treeOf(nodes).map(({ key, depth, parent }) => [key, depth, parent]);
    expect(tree).toEqual([
      ["", 0, undefined],
      ["b", 1, ""],
      ["b/x", 2, "b"],
      ["a", 1, ""],
    ]);
  });

  it("begins where the nodes above aren't seen", () => {
    const tree = treeOf([node(9, 4, "b/x", "X")]);
    expect(tree).toMatchObject([{ key: "b/x", depth: 0, parent: undefined, kind: "team" }]);
  });
});

describe("a change of the log", () => {
  it("says only what was changed", () => {
    const put = { key: "a", kind: NodeKind.UNSPECIFIED, name: "A" };
    expect(changeOf({ change: { case: "putNode", value: put } })).toMatchObject({
      type: "node",
      key: "a",
      name: "A",
    });
    expect(changeOf({ change: { case: "handOver", value: { from: "a", to: "b" } } })).toEqual({
      type: "hand-over",
      from: "a",
      to: "b",
    });
    expect(changeOf({})).toBeUndefined();
  });
});
