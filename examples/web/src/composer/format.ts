/** Marks of formatting around what is selected in a field, in a way that the browser can undo. */

/** A kind of formatting: marks around a piece, or before each line. */
export type Format = { around: string } | { before: string } | { link: true };

/** Puts a text in the place of the selection. */
export function insert(field: HTMLTextAreaElement, text: string): void {
  field.focus();
  // Deprecated, and the only way that keeps the browser's undo.
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** Formats what is selected, or takes the marks off again. */
export function format(field: HTMLTextAreaElement, how: Format): void {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const piece = value.slice(start, end);
  if ("around" in how) {
    const { around } = how;
    const isOn =
      value.slice(start - around.length, start) === around &&
      value.slice(end, end + around.length) === around;
    if (isOn) {
      field.setSelectionRange(start - around.length, end + around.length);
      insert(field, piece);
      field.setSelectionRange(start - around.length, end - around.length);
      return;
    }
    insert(field, around + piece + around);
    field.setSelectionRange(start + around.length, end + around.length);
  } else if ("before" in how) {
    const from = value.lastIndexOf("\n", start - 1) + 1;
    field.setSelectionRange(from, end);
    insert(field, value.slice(from, end).replace(/^/gm, how.before));
  } else {
    insert(field, `[${piece}](https://)`);
    const at = start + piece.length + 3;
    field.setSelectionRange(at, at + 8);
  }
}
