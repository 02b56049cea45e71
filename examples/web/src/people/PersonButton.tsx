/** Somebody's name or picture, which opens their profile. */

import type { UserId } from "@parlour/client";
import * as Popover from "@radix-ui/react-popover";
import { type ReactNode, useRef, useState } from "react";
import { useText } from "../i18n/text.ts";
import { usePerson } from "../sdk/context.tsx";
import { useLayer } from "../ui/layer.ts";
import { ProfileCard } from "./ProfileCard.tsx";

interface Props {
  id: UserId | undefined;
  /** Its content has no words: it is called after the person. */
  isPicture?: boolean;
  className?: string;
  children: ReactNode;
}

/** The button. */
export function PersonButton({ id, isPicture = false, className = "", children }: Props) {
  const { t } = useText();
  const person = usePerson(id);
  const layer = useLayer();
  const [isOpen, setOpen] = useState(false);
  const [isUsed, setUsed] = useState(false);
  // Whoever has gone on to write doesn't want to be taken back to where they began.
  const isGone = useRef(false);
  const label = t("person.profile", { name: person?.name ?? t("person.unknown") });
  const button = { type: "button", className, "aria-label": isPicture ? label : undefined } as const;
  // Every message has two of them: what opens is made when it does so for the first time.
  if (!isUsed) {
    const use = () => {
      setUsed(true);
      setOpen(true);
    };
    return (
      <button {...button} aria-haspopup="dialog" aria-expanded={false} onClick={use}>
        {children}
      </button>
    );
  }
  const leave = () => {
    isGone.current = true;
    setOpen(false);
  };
  return (
    <Popover.Root open={isOpen} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <button {...button}>{children}</button>
      </Popover.Trigger>
      <Popover.Portal container={layer}>
        <Popover.Content
          className="popover profile"
          align="start"
          side="right"
          sideOffset={8}
          collisionPadding={8}
          aria-label={label}
          onCloseAutoFocus={(event) => {
            if (isGone.current) event.preventDefault();
            isGone.current = false;
          }}
        >
          {id && <ProfileCard id={id} onLeave={leave} />}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
