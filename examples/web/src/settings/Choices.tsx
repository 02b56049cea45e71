/** One of a few. */

import { type ReactNode, useId } from "react";

interface Props<T> {
  label: string;
  options: readonly { readonly value: T; readonly label: string; readonly lang?: string }[];
  chosen: T;
  onChoose: (value: T) => void;
  children?: ReactNode;
}

/** Buttons beside each other, one of which is pressed. */
export function Choices<T>({ label, options, chosen, onChoose, children }: Props<T>) {
  return (
    <fieldset className="labelled choices">
      <legend>{label}</legend>
      <div className="choice-row">
        {options.map((option) => (
          <button
            key={option.label}
            type="button"
            className="choice"
            aria-pressed={option.value === chosen}
            lang={option.lang}
            onClick={() => onChoose(option.value)}
          >
            {option.label}
          </button>
        ))}
      </div>
      {children}
    </fieldset>
  );
}

interface SwitchProps {
  label: string;
  why: string;
  isOn: boolean;
  isDisabled?: boolean;
  onChange: (isOn: boolean) => void;
}

/** Something that is so or not, with a word on what it means. */
export function Check({ label, why, isOn, isDisabled = false, onChange }: SwitchProps) {
  const id = useId();
  return (
    <div className="check">
      <input
        id={id}
        type="checkbox"
        checked={isOn}
        disabled={isDisabled}
        aria-describedby={`${id}-why`}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>
        <label htmlFor={id}>{label}</label>
        <small id={`${id}-why`}>{why}</small>
      </span>
    </div>
  );
}
