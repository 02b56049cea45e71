/** A handle for somebody of that name: a proposal, which they can change. */

const CHARS_MAX = 32;

/** Empty where nothing of the name can stand in a handle. */
export function handleFor(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/ß/g, "ss")
    .replace(/[^a-z0-9]+/g, ".")
    .slice(0, CHARS_MAX)
    .replace(/^\.+|\.+$/g, "");
}
