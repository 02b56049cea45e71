/** A button that opens the emoji picker, which is fetched the first time somebody wants it. */

import * as Popover from "@radix-ui/react-popover";
import type { LucideIcon } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useText } from "../i18n/text.ts";
import { IconButton } from "../ui/Button.tsx";
import { useLayer } from "../ui/layer.ts";

const Picker = lazy(() => import("./Picker.tsx"));

interface Props {
  icon: LucideIcon;
  label: string;
  size?: number;
  className?: string;
  onPick: (emoji: string) => void;
  onOpenChange?: (isOpen: boolean) => void;
}

/** The button. */
export function EmojiButton({ icon, label, size = 18, className = "", onPick, onOpenChange }: Props) {
  const { t } = useText();
  const [isOpen, setOpen] = useState(false);
  const change = (open: boolean) => {
    setOpen(open);
    onOpenChange?.(open);
  };
  const layer = useLayer();
  const [isUsed, setUsed] = useState(false);
  const button = { icon, label, size, className };
  // Every message with reactions has such a button: what opens is made when it does so for the first time.
  if (!isUsed) {
    const use = () => {
      setUsed(true);
      change(true);
    };
    return <IconButton {...button} aria-haspopup="dialog" aria-expanded={false} onClick={use} />;
  }
  return (
    <Popover.Root open={isOpen} onOpenChange={change}>
      <Popover.Trigger asChild>
        <IconButton {...button} />
      </Popover.Trigger>
      <Popover.Portal container={layer}>
        <Popover.Content
          className="popover picker"
          sideOffset={6}
          collisionPadding={8}
          aria-label={t("emoji.title")}
        >
          <Suspense fallback={<p className="picker-wait">{t("state.loading")}</p>}>
            <Picker
              onPick={(emoji) => {
                change(false);
                onPick(emoji);
              }}
            />
          </Suspense>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
