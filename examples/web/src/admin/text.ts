/** The administration's texts: catalogues of their own, so that nobody else's page carries them. */

import { use } from "react";
import { type Language, translator, useText, type Values } from "../i18n/text.ts";
import { type AdminKey, en } from "./texts/en.ts";

export type { AdminKey } from "./texts/en.ts";

/** Looks one of them up. */
export type AdminTranslate = (key: AdminKey, values?: Values) => string;

const loaded = new Map<string, Promise<AdminTranslate>>();

async function load(language: Language): Promise<AdminTranslate> {
  const catalogue = language.tag === "ar" ? (await import("./texts/ar.ts")).ar : en;
  return translator<AdminKey>(language, catalogue);
}

/** The texts in the user's language: `t` is the administration's, `common` what the rest of the app has. */
export function useAdminText() {
  const { language, t: common } = useText();
  const known = loaded.get(language.tag) ?? load(language);
  loaded.set(language.tag, known);
  return { t: use(known), common, language };
}
