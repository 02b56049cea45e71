/** Fields of the administration's forms. */

import { Search } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";

interface LabelProps {
  label: string;
  hint?: string | undefined;
  children: ReactNode;
}

function Labelled({ label, hint, children }: LabelProps) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the field is its content.
    <label className="labelled">
      {label}
      {children}
      {hint && <small className="hint">{hint}</small>}
    </label>
  );
}

type TextProps = Omit<ComponentProps<"input">, "onChange"> & {
  label: string;
  hint?: string | undefined;
  onText: (text: string) => void;
};

/** A line of text. */
export function TextField({ label, hint, onText, ...rest }: TextProps) {
  return (
    <Labelled label={label} hint={hint}>
      <input className="field" dir="auto" {...rest} onChange={(event) => onText(event.target.value)} />
    </Labelled>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  hint?: string | undefined;
  value: T;
  options: readonly (readonly [value: T, label: string])[];
  onChoose: (value: T) => void;
}

/** One of a few. */
export function ChoiceField<T extends string>({ label, hint, value, options, onChoose }: ChoiceProps<T>) {
  return (
    <Labelled label={label} hint={hint}>
      <select className="field" value={value} onChange={(event) => onChoose(event.target.value as T)}>
        {options.map(([option, name]) => (
          <option key={option} value={option}>
            {name}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

interface CheckProps {
  label: string;
  hint?: string;
  isOn: boolean;
  onTurn: (isOn: boolean) => void;
}

/** Yes or no. */
export function CheckField({ label, hint, isOn, onTurn }: CheckProps) {
  return (
    <label className="check">
      <input type="checkbox" checked={isOn} onChange={(event) => onTurn(event.target.checked)} />
      <span>
        {label}
        {hint && <small>{hint}</small>}
      </span>
    </label>
  );
}

interface SearchProps {
  label: string;
  value: string;
  onText: (text: string) => void;
}

/** What a list is narrowed by. */
export function SearchField({ label, value, onText }: SearchProps) {
  return (
    <span className="search-field">
      <Search size={15} aria-hidden />
      <input
        type="search"
        className="field"
        placeholder={label}
        aria-label={label}
        value={value}
        onChange={(event) => onText(event.target.value)}
      />
    </span>
  );
}

interface PillsProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [value: T, label: string])[];
  onChoose: (value: T) => void;
}

/** One of a few, all of them in sight. */
export function Pills<T extends string>({ label, value, options, onChoose }: PillsProps<T>) {
  return (
    <fieldset className="pills" aria-label={label}>
      {options.map(([option, name]) => (
        <button
          key={option}
          type="button"
          className="pill"
          aria-pressed={option === value}
          onClick={() => onChoose(option)}
        >
          {name}
        </button>
      ))}
    </fieldset>
  );
}
