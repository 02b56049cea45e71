/** The emoji as a module of their own, `virtual:emoji`, cut down from emojibase to what a picker needs. */

import { createRequire } from "node:module";
import type { Plugin } from "vite";

const ID = "virtual:emoji";
const require = createRequire(import.meta.url);

interface Compact {
  label: string;
  hexcode: string;
  unicode: string;
  group?: number;
  order?: number;
  tags?: string[];
  skins?: unknown[];
}

/** Offers `virtual:emoji`: `[emoji, group, names, words]` of each, in the order of Unicode. */
export function emojiData(): Plugin {
  return {
    name: "emoji-data",
    resolveId: (id) => (id === ID ? `\0${ID}` : undefined),
    load: (id) => (id === `\0${ID}` ? `export default ${JSON.stringify(rows())};` : undefined),
  };
}

function rows(): [string, number, string, string][] {
  const compact = require("emojibase-data/en/compact.json") as Compact[];
  const names = require("emojibase-data/en/shortcodes/github.json") as Record<string, string | string[]>;
  const others = require("emojibase-data/en/shortcodes/emojibase.json") as Record<string, string | string[]>;
  return compact
    .filter(({ group }) => group !== undefined && group !== 2)
    .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
    .map(({ unicode, group, hexcode, label, tags = [] }) => {
      const codes = [names[hexcode] ?? others[hexcode] ?? []].flat();
      const words = [label, ...tags].join(" ");
      return [unicode, group ?? 0, codes.join(" ") || label.replace(/\W+/g, "_"), words];
    });
}
