/** Buttons: one with words, and one with an icon, whose words are in its tooltip and for screen readers. */

import type { LucideIcon } from "lucide-react";
import type { ComponentProps } from "react";

interface ButtonProps extends ComponentProps<"button"> {
  look?: "plain" | "main" | "danger" | "quiet";
}

/** A button with words. */
export function Button({ look = "plain", className = "", ...rest }: ButtonProps) {
  return <button type="button" className={`button button-${look} ${className}`} {...rest} />;
}

interface IconButtonProps extends ComponentProps<"button"> {
  icon: LucideIcon;
  label: string;
  size?: number;
  isOn?: boolean | undefined;
}

/** A button with an icon. */
export function IconButton({ icon: Icon, label, size = 18, isOn, className = "", ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      className={`icon-button ${className}`}
      aria-label={label}
      data-hint={label}
      aria-pressed={isOn}
      {...rest}
    >
      <Icon size={size} strokeWidth={1.75} aria-hidden />
    </button>
  );
}
