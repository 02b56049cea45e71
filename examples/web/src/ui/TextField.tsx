/** A line of text to be filled in, under its label. */

import type { ComponentProps } from "react";

interface Props extends Omit<ComponentProps<"input">, "value" | "onChange"> {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** The field with its label. */
export function TextField({ label, value, onChange, ...rest }: Props) {
  return (
    <label className="labelled">
      {label}
      <input
        className="field"
        dir="auto"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        {...rest}
      />
    </label>
  );
}
