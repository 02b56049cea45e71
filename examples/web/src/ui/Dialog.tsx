/** A dialog: the platform's own, which keeps the focus, closes on Escape and stands above everything. */

import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useText } from "../i18n/text.ts";
import { LayerProvider } from "./layer.ts";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** The buttons at the end. */
  actions?: ReactNode;
  /** Without a heading that is seen, as for a palette. */
  isBare?: boolean;
  className?: string;
}

/** Open for as long as it is drawn. */
export function Dialog({ title, onClose, children, actions, isBare = false, className = "" }: Props) {
  const { t } = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  const [layer, setLayer] = useState<HTMLElement | null>(null);
  const heading = useId();
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    if (element && !element.open) element.showModal();
    (element?.querySelector<HTMLElement>("[data-autofocus]") ?? element)?.focus();
    setLayer(element);
    return () => {
      element?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the platform closes it on Escape, which is `onCancel`.
    <dialog
      ref={dialog}
      className={`dialog ${isBare ? "dialog-bare" : ""} ${className}`}
      aria-labelledby={heading}
      tabIndex={-1}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className="dialog-box">
        <header className={isBare ? "visually-hidden" : "dialog-head"}>
          <h2 id={heading}>{title}</h2>
          {!isBare && (
            <button type="button" className="icon-button" aria-label={t("action.close")} onClick={onClose}>
              <X size={18} strokeWidth={1.75} aria-hidden />
            </button>
          )}
        </header>
        <LayerProvider value={layer}>
          <div className="dialog-body">{children}</div>
        </LayerProvider>
        {actions && <footer className="dialog-actions">{actions}</footer>}
      </div>
    </dialog>
  );
}
