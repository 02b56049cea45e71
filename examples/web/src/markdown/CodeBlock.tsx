/** A block of code, always from left to right, with a button that copies it. */

import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { useText } from "../i18n/text.ts";
import { IconButton } from "../ui/Button.tsx";

const COPIED_FOR_MS = 1500;

/** Code, in its language if that is said. */
export function CodeBlock({ code, language }: { code: string; language: string }) {
  const { t } = useText();
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(code);
    setCopied(true);
    setTimeout(() => setCopied(false), COPIED_FOR_MS);
  };
  const name = language.match(/^[\w+#.-]{1,24}/)?.[0] ?? "";
  return (
    <figure className="code" dir="ltr">
      {name && <figcaption>{name}</figcaption>}
      {/* biome-ignore lint/a11y/useSemanticElements: a group of nothing to fill in is no fieldset. */}
      <div
        className="code-scroll"
        role="group"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        tabIndex={0}
        aria-label={t("code.label", { language: name || t("code.plain") })}
      >
        <pre>
          <code>{code}</code>
        </pre>
      </div>
      <IconButton
        icon={isCopied ? Check : Copy}
        size={15}
        label={t(isCopied ? "action.copied" : "action.copy")}
        onClick={() => void copy()}
      />
    </figure>
  );
}
