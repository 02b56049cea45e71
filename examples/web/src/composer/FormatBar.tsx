/** Buttons that put marks of formatting around what is selected. */

import { Bold, Code, Italic, Link, List, Quote as QuoteIcon, Strikethrough } from "lucide-react";
import type { Key } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import { IconButton } from "../ui/Button.tsx";
import type { Format } from "./format.ts";

const FORMATS: readonly { label: Key; icon: typeof Bold; how: Format }[] = [
  { label: "format.bold", icon: Bold, how: { around: "**" } },
  { label: "format.italic", icon: Italic, how: { around: "_" } },
  { label: "format.strike", icon: Strikethrough, how: { around: "~~" } },
  { label: "format.code", icon: Code, how: { around: "`" } },
  { label: "format.link", icon: Link, how: { link: true } },
  { label: "format.list", icon: List, how: { before: "- " } },
  { label: "format.quote", icon: QuoteIcon, how: { before: "> " } },
];

/** The buttons. */
export function FormatBar({ onFormat }: { onFormat: (how: Format) => void }) {
  const { t } = useText();
  return (
    <div className="format-bar" role="toolbar" aria-label={t("composer.formatting")}>
      {FORMATS.map(({ label, icon, how }) => (
        <IconButton
          key={label}
          icon={icon}
          size={16}
          label={t(label)}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onFormat(how)}
        />
      ))}
    </div>
  );
}
