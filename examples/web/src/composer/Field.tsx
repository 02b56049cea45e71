/** A field for a message's text: it grows with it, completes names and emoji, and knows the keys of formatting. */

import type { RoomSummary, UserId } from "@parlour/client";
import {
  type KeyboardEvent,
  type Ref,
  useId,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { type Offer, OfferList, useOffers } from "./completion.tsx";
import { type Format, format, insert } from "./format.ts";
import { type Trigger, triggerAt } from "./trigger.ts";

/** What its owner can do with it. */
export interface FieldHandle {
  focus(): void;
  insert(text: string): void;
  format(how: Format): void;
}

interface Props {
  ref: Ref<FieldHandle>;
  text: string;
  label: string;
  placeholder?: string | undefined;
  summary: RoomSummary | undefined;
  isDisabled?: boolean;
  onText: (text: string) => void;
  /** A name was chosen. */
  onMention: (name: string, user: UserId) => void;
  onSubmit: () => void;
  /** A key that the field does nothing with. */
  onKey?: (event: KeyboardEvent<HTMLTextAreaElement>) => void;
}

const FORMATS: Record<string, Format> = { b: { around: "**" }, i: { around: "_" }, e: { around: "`" } };

/** The field. */
export function Field({
  ref,
  text,
  label,
  placeholder,
  summary,
  isDisabled,
  onText,
  onMention,
  onSubmit,
  onKey,
}: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  const listId = useId();
  const [trigger, setTrigger] = useState<Trigger>();
  const [chosen, setChosen] = useState(0);
  const offers = useOffers(trigger, summary);
  const isOffering = offers.length > 0;
  useImperativeHandle(ref, () => ({
    focus: () => area.current?.focus(),
    insert: (piece) => area.current && insert(area.current, piece),
    format: (how) => area.current && format(area.current, how),
  }));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text.
  useLayoutEffect(() => {
    const { current } = area;
    if (!current) return;
    current.style.blockSize = "auto";
    current.style.blockSize = `${current.scrollHeight}px`;
  }, [text]);

  const look = () => {
    const { current } = area;
    if (!current) return;
    const isCaret = current.selectionStart === current.selectionEnd;
    const now = isCaret ? triggerAt(current.value, current.selectionStart) : undefined;
    if (now?.query !== trigger?.query) setChosen(0);
    setTrigger(now);
  };
  const pick = (offer: Offer) => {
    const { current } = area;
    if (!current || !trigger) return;
    current.setSelectionRange(trigger.from, current.selectionStart);
    insert(current, offer.insert);
    if (offer.user) onMention(offer.label, offer.user);
    setTrigger(undefined);
  };
  const handleKey = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (
      isOffering &&
      handleOfferKey(event, offers, chosen, { pick, setChosen, close: () => setTrigger(undefined) })
    )
      return;
    const how = (event.ctrlKey || event.metaKey) && !event.shiftKey && FORMATS[event.key];
    if (how) {
      event.preventDefault();
      format(event.currentTarget, how);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      onSubmit();
    } else onKey?.(event);
  };
  return (
    <div className="field-box">
      {isOffering && <OfferList id={listId} offers={offers} chosen={chosen} onPick={pick} />}
      <textarea
        ref={area}
        className="composer-text"
        rows={1}
        dir="auto"
        value={text}
        disabled={isDisabled}
        placeholder={placeholder}
        aria-label={label}
        aria-autocomplete="list"
        aria-controls={isOffering ? listId : undefined}
        aria-activedescendant={isOffering ? `${listId}-${chosen}` : undefined}
        onChange={(event) => {
          onText(event.target.value);
          look();
        }}
        onSelect={look}
        onBlur={() => setTrigger(undefined)}
        onKeyDown={handleKey}
      />
    </div>
  );
}

interface Ways {
  pick: (offer: Offer) => void;
  setChosen: (at: number) => void;
  close: () => void;
}

/** Whether the list of offers has done something with the key. */
function handleOfferKey(event: KeyboardEvent, offers: readonly Offer[], chosen: number, ways: Ways): boolean {
  const offer = offers[chosen] ?? offers[0];
  const count = offers.length;
  if (event.key === "ArrowDown") ways.setChosen((chosen + 1) % count);
  else if (event.key === "ArrowUp") ways.setChosen((chosen + count - 1) % count);
  else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && offer) ways.pick(offer);
  else if (event.key === "Escape") ways.close();
  else return false;
  event.preventDefault();
  event.stopPropagation();
  return true;
}
