import { describe, expect, test } from "vitest";
import { LANGUAGES } from "../../i18n/text.ts";
import { ar } from "./ar.ts";
import { type AdminCatalogue, type AdminKey, en } from "./en.ts";

const CATALOGUES: Record<string, AdminCatalogue> = { en, ar };
const keys = Object.keys(en) as AdminKey[];

function formsOf(catalogue: AdminCatalogue, key: AdminKey): string[] {
  const text = catalogue[key];
  return typeof text === "string" ? [text] : Object.values(text);
}

function valuesOf(texts: readonly string[]): Set<string> {
  return new Set(texts.flatMap((text) => text.match(/\{\w+\}/g) ?? []));
}

describe.each(LANGUAGES)("the administration's catalogue of $tag", ({ tag }) => {
  const catalogue = CATALOGUES[tag] as AdminCatalogue;

  test("has every text, and none besides", () => {
    expect(Object.keys(catalogue).sort()).toEqual([...keys].sort());
  });

  test("names only values that there are, and has all plural forms", () => {
    const wanted = new Intl.PluralRules(tag).resolvedOptions().pluralCategories;
    for (const key of keys) {
      const known = valuesOf(formsOf(en, key));
      for (const value of valuesOf(formsOf(catalogue, key))) expect(known, key).toContain(value);
      const text = catalogue[key];
      if (typeof text !== "string") expect(Object.keys(text), key).toEqual(expect.arrayContaining(wanted));
    }
  });
});
