import { expect, test } from "vitest";
import { snippetOf } from "./snippet.ts";

const shown = (text: string, places: readonly (readonly [number, number])[]) =>
  snippetOf(text, places)
    .map(({ text: run, isFound }) => (isFound ? `[${run}]` : run))
    .join("");

test("what was found is marked", () => {
  expect(
    shown("the wind vane", [
      [4, 8],
      [9, 13],
    ]),
  ).toBe("the [wind] [vane]");
  expect(shown("nothing to mark", [])).toBe("nothing to mark");
});

test("marks of formatting aren't shown", () => {
  expect(shown("a **bold** word", [[4, 8]])).toBe("a [bold] word");
});

test("a long text begins a little before the first word", () => {
  const text = `${"word ".repeat(100)}here ${"more ".repeat(100)}`;
  const it = shown(text, [[500, 504]]);
  expect(it).toMatch(/^…word .*\[here\] more .*…$/);
  expect(it.length).toBeLessThan(300);
});
