/**
 * Texts in the user's language. A catalogue has a text for each key, or one for each plural form of the language;
 * `{name}` stands for a value.
 */

import { useSyncExternalStore } from "react";
import { en, type Key } from "./en.ts";
import type { Plural } from "./plural.ts";

export type { Key } from "./en.ts";

/** Values of a text; `n` decides on the plural form. */
export type Values = Readonly<Record<string, string | number>>;
/** Looks a text up. */
export type Translate = (key: Key, values?: Values) => string;

/** A language there is a catalogue for. */
export interface Language {
  readonly tag: string;
  readonly name: string;
  readonly dir: "ltr" | "rtl";
}

export const LANGUAGES: readonly Language[] = [
  { tag: "en", name: "English", dir: "ltr" },
  { tag: "ar", name: "العربية", dir: "rtl" },
];

interface Present {
  readonly language: Language;
  readonly t: Translate;
}

const ENGLISH = LANGUAGES[0] as Language;
const listeners = new Set<() => void>();
let present: Present = { language: ENGLISH, t: translator(ENGLISH, en) };

/** The language of this text, else of the browser, else English. */
export function languageFor(wish: string | undefined): Language {
  const wanted = wish ? [wish] : navigator.languages;
  for (const tag of wanted) {
    const found = LANGUAGES.find((language) => language.tag === tag.split("-")[0]);
    if (found) return found;
  }
  return ENGLISH;
}

/** Shows everything in this language from now on. */
export async function speak(language: Language): Promise<void> {
  const catalogue = language.tag === "ar" ? (await import("./ar.ts")).ar : en;
  present = { language, t: translator(language, catalogue) };
  document.documentElement.lang = language.tag;
  document.documentElement.dir = language.dir;
  for (const listener of [...listeners]) listener();
}

/** Makes the function that looks texts up. */
export function translator<K extends string = Key>(
  language: Language,
  catalogue: Readonly<Record<K, string | Plural>>,
): (key: K, values?: Values) => string {
  const rules = new Intl.PluralRules(language.tag);
  const numbers = new Intl.NumberFormat(language.tag);
  return (key, values = {}) => {
    const found = catalogue[key];
    const text =
      typeof found === "string" ? found : (found[rules.select(Number(values.n ?? 0))] ?? found.other);
    return text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? numbers.format(value) : isolated(value, language.dir);
    });
  };
}

/** A value may run the other way than the text around it: it is kept apart where that can be. */
function isolated(value: string, dir: "ltr" | "rtl"): string {
  const runsAgainst = dir === "rtl" ? /[A-Za-z\u00c0-\u024f]/ : /[\u0590-\u08ff]/;
  return runsAgainst.test(value) ? `\u2068${value}\u2069` : value;
}

function subscribe(onChange: () => void): () => void {
  listeners.add(onChange);
  return () => listeners.delete(onChange);
}

/** The language and its texts. */
export function useText(): Present {
  return useSyncExternalStore(subscribe, () => present);
}

/** The same outside of components. */
export function text(): Present {
  return present;
}
