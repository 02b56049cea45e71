/**
 * Where menus and tooltips are put: into the dialog that stands above the page, since nothing outside of it can be
 * seen or used, else at the end of the page.
 */

import { createContext, useContext } from "react";

const Layer = createContext<HTMLElement | null>(null);

/** Makes an element the place for what its content opens. */
export const LayerProvider = Layer.Provider;

/** The place; `null` for the end of the page. */
export function useLayer(): HTMLElement | null {
  return useContext(Layer);
}
