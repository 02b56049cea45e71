/** axe on a page of the browser. It is evaluated by the debugger, which the page's policy doesn't bind. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Something that axe doesn't like. */
export interface Finding {
  readonly view: string;
  readonly rule: string;
  readonly nodes: readonly string[];
}

interface Axe {
  run(
    context: Document,
    options: object,
  ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }>;
}

/** Looks at one page. */
export class AxeBuilder {
  constructor(private readonly page: Page) {}

  /** What it finds in what is shown now. */
  async findings(view: string): Promise<Finding[]> {
    await this.page.evaluate(source);
    const found = await this.page.evaluate(async () => {
      // What is still fading in has other colours than it will have.
      const moving = document
        .getAnimations()
        .filter((one) => Number.isFinite(one.effect?.getComputedTiming().endTime ?? 0));
      await Promise.all(moving.map((one) => one.finished.catch(() => undefined)));
      // A menu stands at the end of the page, outside of all landmarks, and is reached from its button.
      const rules = { region: { enabled: document.querySelector("[role=menu]") === null } };
      const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run(document, { rules });
      return violations.map(({ id, nodes }) => ({
        rule: id,
        nodes: nodes
          .slice(0, 4)
          .map(({ html, failureSummary = "" }) => `${html.slice(0, 160)} ${failureSummary.slice(0, 240)}`),
      }));
    });
    return found.map((finding) => ({ view, ...finding }));
  }
}
