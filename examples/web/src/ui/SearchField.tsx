/** A field to search with. Its label stands in it until something is written. */

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** Takes what was found first. */
  onEnter?: (() => void) | undefined;
  /** Whether it has the focus when the dialog around it opens. */
  isFirst?: boolean;
}

/** The field. */
export function SearchField({ label, value, onChange, onEnter, isFirst = false }: Props) {
  return (
    <input
      type="search"
      className="field"
      data-autofocus={isFirst || undefined}
      placeholder={label}
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || event.nativeEvent.isComposing || !onEnter) return;
        event.preventDefault();
        onEnter();
      }}
    />
  );
}
