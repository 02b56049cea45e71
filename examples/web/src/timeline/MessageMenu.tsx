/** The menus of a message: behind the toolbar's button, and where one clicks with the other button. */

import type { Message } from "@parlour/client";
import * as Context from "@radix-ui/react-context-menu";
import * as Dropdown from "@radix-ui/react-dropdown-menu";
import { Ellipsis } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../i18n/text.ts";
import { IconButton } from "../ui/Button.tsx";
import { type Action, actionsOf } from "./actions.ts";
import { useScope } from "./scope.tsx";

interface MoreProps {
  message: Message;
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
}

/** The toolbar's last button. */
export function MoreMenu({ message, isOpen, onOpenChange }: MoreProps) {
  const { t } = useText();
  const scope = useScope();
  return (
    <Dropdown.Root open={isOpen} onOpenChange={onOpenChange} modal={false}>
      <Dropdown.Trigger asChild>
        <IconButton icon={Ellipsis} label={t("action.more")} />
      </Dropdown.Trigger>
      <Dropdown.Portal>
        <Dropdown.Content className="menu" align="end" sideOffset={4} collisionPadding={8} loop>
          {actionsOf(message, scope).map((action) => (
            <Dropdown.Item key={action.id} className={lookOf(action)} onSelect={() => later(action)}>
              <Face action={action} />
            </Dropdown.Item>
          ))}
        </Dropdown.Content>
      </Dropdown.Portal>
    </Dropdown.Root>
  );
}

/** One menu for all messages of a list: `message` is the one that was pointed at. */
export function MessageContextMenu({
  message,
  children,
}: {
  message: Message | undefined;
  children: ReactNode;
}) {
  const scope = useScope();
  const actions = message ? actionsOf(message, scope) : [];
  return (
    <Context.Root modal={false}>
      <Context.Trigger asChild>{children}</Context.Trigger>
      {actions.length > 0 && (
        <Context.Portal>
          <Context.Content className="menu" collisionPadding={8} loop>
            {actions.map((action) => (
              <Context.Item key={action.id} className={lookOf(action)} onSelect={() => later(action)}>
                <Face action={action} />
              </Context.Item>
            ))}
          </Context.Content>
        </Context.Portal>
      )}
    </Context.Root>
  );
}

/** After the menu has given the focus back, so that what is opened may keep it. */
function later(action: Action): void {
  setTimeout(() => action.run(), 0);
}

function lookOf(action: Action): string {
  return `menu-item ${action.isDanger ? "menu-danger" : ""}`;
}

function Face({ action }: { action: Action }) {
  const { t } = useText();
  const { icon: Icon, shortcut } = action;
  return (
    <>
      <Icon size={16} strokeWidth={1.75} aria-hidden />
      <span>{t(action.label)}</span>
      {shortcut && <kbd>{shortcut === "Delete" ? "Del" : shortcut.toUpperCase()}</kbd>}
    </>
  );
}
