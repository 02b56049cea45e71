// How the code looks, as far as that can be checked.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = join(import.meta.dirname, "..", "..", "src");
const LINES_MAX = 500;
const FUNCTION_LINES_MAX = 70;
/** What a core may not do: read a clock, make randomness, open anything, wait. */
const OF_THE_WORLD =
  /\b(Date\.now|performance\.|Math\.random|crypto\.|setTimeout|setInterval|fetch\(|WebSocket|WebTransport|localStorage)\b/;

interface Source {
  path: string;
  lines: string[];
}

function sources(): Source[] {
  const all = readdirSync(SRC, { recursive: true, encoding: "utf8" });
  const ours = all.filter((path) => path.endsWith(".ts") && !path.startsWith("generated"));
  return ours.map((path) => ({
    path: relative(SRC, join(SRC, path)),
    lines: readFileSync(join(SRC, path), "utf8").split("\n"),
  }));
}

const isTest = (path: string) => path.endsWith(".test.ts") || path.endsWith("conformance.ts");

/** The longest function of a file; tests are lists of functions. */
function longest({ lines }: Source): number {
  let most = 0;
  lines.forEach((line, from) => {
    const indent = /^( *)(?:export |private |static |async |get )*(?:function )?\w*\(.*\{$/.exec(line)?.[1];
    if (indent === undefined) return;
    const end = lines.findIndex((other, at) => at > from && other === `${indent}}`);
    most = Math.max(most, end - from);
  });
  return most;
}

describe("every file", () => {
  it.each(sources().map((source) => [source.path, source] as const))(
    "%s is short and begins with what it is for",
    (path, source) => {
      expect(source.lines.length).toBeLessThanOrEqual(LINES_MAX);
      if (isTest(path)) return;
      expect(source.lines[0]).toMatch(/^\/\*\*/);
      expect(longest(source)).toBeLessThanOrEqual(FUNCTION_LINES_MAX);
    },
  );

  it.each(sources().map((source) => [source.path, source] as const))(
    "%s has a comment on everything it exports",
    (path, { lines }) => {
      if (isTest(path)) return;
      lines.forEach((line, at) => {
        if (!/^export (?!\*|\{|type \{)/.test(line)) return;
        expect(lines[at - 1], `${path}:${at + 1}: ${line}`).toMatch(/\*\/$|^\/\/ biome-ignore/);
      });
    },
  );
});

describe("the core", () => {
  const core = sources().filter(({ path }) => /^(core|codec)\//.test(path) || path === "net/mux.ts");

  it.each(core.map((source) => [source.path, source] as const))(
    "%s does nothing but compute",
    (_, { lines }) => {
      const code = lines.filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line));
      for (const line of code) expect(line).not.toMatch(OF_THE_WORLD);
    },
  );
});
