/** Which addresses a text of somebody else may lead to. */

const ALLOWED = new Set(["http:", "https:", "mailto:"]);
const HREF_CHARS_MAX = 2048;
/** Control characters, and marks that make an address look like another one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const HIDDEN = /[\u0000-\u0020\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;

/** The address as a link may have it; absent where it may not be one. */
export function safeHref(href: string): string | undefined {
  if (href.length > HREF_CHARS_MAX || HIDDEN.test(href)) return undefined;
  try {
    const url = new URL(href);
    return ALLOWED.has(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}
