/** One of a few, and something that is so or not. What the user chooses is shown at once, and put back if refused. */

import { type ReactNode, useId } from "react";
import { useFailure } from "../sdk/failure.ts";
import { type Ask, useWish } from "../sdk/wish.ts";
import { Failure } from "../ui/Failure.tsx";

interface Props<T> {
  label: string;
  options: readonly { readonly value: T; readonly label: string; readonly lang?: string }[];
  chosen: T;
  onChoose: Ask<T>;
  children?: (shown: T) => ReactNode;
}

/** Buttons beside each other, one of which is pressed. */
export function Choices<T>({ label, options, chosen, onChoose, children }: Props<T>) {
  const { shown, error, wish } = useWish(chosen, onChoose);
  const failure = useFailure(error);
  return (
    <fieldset className="labelled choices">
      <legend>{label}</legend>
      <div className="choice-row">
        {options.map((option) => (
          <button
            key={option.label}
            type="button"
            className="choice"
            aria-pressed={option.value === shown}
            lang={option.lang}
            onClick={() => wish(option.value)}
          >
            {option.label}
          </button>
        ))}
      </div>
      {children?.(shown)}
      {failure && <Failure text={failure} />}
    </fieldset>
  );
}

interface SwitchProps {
  label: string;
  why: string;
  isOn: boolean;
  isDisabled?: boolean;
  onChange: Ask<boolean>;
}

/** Something that is so or not, with a word on what it means. */
export function Check({ label, why, isOn, isDisabled = false, onChange }: SwitchProps) {
  const id = useId();
  const { shown, error, wish } = useWish(isOn, onChange);
  const failure = useFailure(error);
  return (
    <div className="check">
      <input
        id={id}
        type="checkbox"
        checked={shown}
        disabled={isDisabled}
        aria-describedby={`${id}-why`}
        onChange={(event) => wish(event.target.checked)}
      />
      <span>
        <label htmlFor={id}>{label}</label>
        <small id={`${id}-why`}>{why}</small>
        {failure && <Failure text={failure} />}
      </span>
    </div>
  );
}
