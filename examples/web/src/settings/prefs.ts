/** How this device shows the app: theme, density, language. Kept here, since another device may want it otherwise. */

import { useSyncExternalStore } from "react";
import { languageFor, speak } from "../i18n/text.ts";

/** What can be chosen. */
export interface Prefs {
  readonly theme: "system" | "light" | "dark";
  readonly density: "cosy" | "compact";
  /** A language's tag; absent for the browser's. */
  readonly language?: string | undefined;
  /** Whether mentions and direct messages are told of while the app isn't looked at. */
  readonly notify: boolean;
}

const KEY = "parlour.prefs";
const FIRST: Prefs = { theme: "system", density: "cosy", notify: false };
const listeners = new Set<() => void>();
let present = read();

function read(): Prefs {
  try {
    return { ...FIRST, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Prefs>) };
  } catch {
    return FIRST;
  }
}

/** What is chosen now. */
export function prefs(): Prefs {
  return present;
}

/** Chooses something else. */
export async function choose(change: Partial<Prefs>): Promise<void> {
  present = { ...present, ...change };
  localStorage.setItem(KEY, JSON.stringify(present));
  await apply();
  for (const listener of [...listeners]) listener();
}

/** Shows the page as it is chosen. */
export async function apply(): Promise<void> {
  const { dataset } = document.documentElement;
  dataset.theme = present.theme;
  dataset.density = present.density;
  await speak(languageFor(present.language));
}

function subscribe(onChange: () => void): () => void {
  listeners.add(onChange);
  return () => listeners.delete(onChange);
}

/** What is chosen now, drawn anew when it changes. */
export function usePrefs(): Prefs {
  return useSyncExternalStore(subscribe, prefs);
}
