import { describe, expect, test } from "vitest";
import { ar } from "./ar.ts";
import { type Catalogue, en, type Key } from "./en.ts";
import { LANGUAGES, translator } from "./text.ts";

const CATALOGUES: Record<string, Catalogue> = { en, ar };
const keys = Object.keys(en) as Key[];

function formsOf(catalogue: Catalogue, key: Key): string[] {
  const text = catalogue[key];
  return typeof text === "string" ? [text] : Object.values(text);
}

function valuesOf(text: string): string {
  return [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().join();
}

describe.each(LANGUAGES)("the catalogue of $tag", ({ tag, ...language }) => {
  const catalogue = CATALOGUES[tag] as Catalogue;

  test("has every text, and none besides", () => {
    expect(Object.keys(catalogue).sort()).toEqual([...keys].sort());
  });

  test.each(keys)("names only values that there are: %s", (key) => {
    const known = new Set(formsOf(en, key).flatMap((text) => text.match(/\{\w+\}/g) ?? []));
    for (const text of formsOf(catalogue, key)) {
      for (const value of valuesOf(text).split(",").filter(Boolean)) expect(known).toContain(value);
    }
  });

  test("has all plural forms of the language", () => {
    const wanted = new Intl.PluralRules(tag).resolvedOptions().pluralCategories;
    for (const key of keys) {
      const text = catalogue[key];
      if (typeof text !== "string") expect(Object.keys(text)).toEqual(expect.arrayContaining(wanted));
    }
  });

  test("is looked up with the right form", () => {
    const t = translator({ tag, ...language }, catalogue);
    for (const n of [0, 1, 2, 3, 11, 100]) expect(t("thread.replies", { n })).not.toContain("{");
  });
});

test("names that run the other way are kept apart", () => {
  const [english] = LANGUAGES;
  if (!english) throw new Error("no English");
  const t = translator(english, en);
  expect(t("notice.joined", { who: "نور" })).toBe("\u2068نور\u2069 joined");
  expect(t("notice.joined", { who: "Ada" })).toBe("Ada joined");
});
