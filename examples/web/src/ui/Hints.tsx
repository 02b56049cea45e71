/**
 * Tooltips: one for the whole page, so that a thousand buttons cost nothing. Whatever has a `data-hint` gets one
 * when it is pointed at or has the focus. It lies in the top layer, above dialogs as well. What it says is a help
 * for the eye; names for screen readers are the buttons' own.
 */

import { useEffect, useLayoutEffect, useRef, useState } from "react";

const AFTER_MS = 450;
const GAP_PX = 6;
const EDGE_PX = 8;

interface Shown {
  text: string;
  at: DOMRect;
}

/** Where they show; once, at the end of the page. */
export function Hints() {
  const shown = useShown();
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { current } = box;
    if (!shown || !current) return;
    current.showPopover();
    const { width, height } = current.getBoundingClientRect();
    const { left, top, bottom } = shown.at;
    const wanted = left + shown.at.width / 2 - width / 2;
    const above = top - height - GAP_PX;
    current.style.left = `${Math.max(EDGE_PX, Math.min(wanted, innerWidth - width - EDGE_PX))}px`;
    current.style.top = `${above < EDGE_PX ? bottom + GAP_PX : above}px`;
  }, [shown]);
  return shown ? (
    <div ref={box} className="tooltip" popover="manual" aria-hidden>
      {shown.text}
    </div>
  ) : null;
}

/** What is pointed at for long enough, or has the focus of the keyboard. */
function useShown(): Shown | undefined {
  const [shown, setShown] = useState<Shown>();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let hinted: Element | null = null;
    const hide = () => {
      clearTimeout(timer);
      hinted = null;
      setShown(undefined);
    };
    const look = (event: Event) => {
      const element = (event.target as Element).closest?.("[data-hint]") ?? null;
      if (element === hinted) return;
      hide();
      const isWanted = event.type === "pointerover" ? isMouse(event) : element?.matches(":focus-visible");
      if (!element || !isWanted) return;
      hinted = element;
      timer = setTimeout(() => show(element), AFTER_MS);
    };
    const show = (element: Element) => {
      const text = element.getAttribute("data-hint");
      const isOpen = element.matches('[data-state="open"], [aria-expanded="true"]');
      if (text && element.isConnected && !isOpen) setShown({ text, at: element.getBoundingClientRect() });
    };
    const ended = new AbortController();
    const options = { signal: ended.signal, capture: true, passive: true };
    for (const name of ["pointerover", "focusin"]) document.addEventListener(name, look, options);
    for (const name of ["pointerdown", "keydown", "scroll", "focusout"])
      document.addEventListener(name, hide, options);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, []);
  return shown;
}

function isMouse(event: Event): boolean {
  return event instanceof PointerEvent && event.pointerType === "mouse";
}
