/** Mentions in a text. Whom a message mentions is a field of it; here its names are only found and shown. */

import { Fragment, type ReactNode } from "react";
import { withOwnEmoji } from "../emoji/own.tsx";

/** Somebody who is mentioned. */
export interface Mark {
  /** As it stands in the text, with its `@`. */
  readonly label: string;
  /** Whether it means the user. */
  readonly isMe: boolean;
  /** Draws it as something that can be opened; it is a piece of the text without. */
  readonly draw?: ((name: ReactNode, look: string) => ReactNode) | undefined;
}

/** All of one message. */
export type Marks = readonly Mark[];

/** A text with its mentions, and the organization's emoji, shown as such. */
export function marked(text: string, marks: Marks): ReactNode {
  if (marks.length === 0 || !text.includes("@")) return withOwnEmoji(text);
  const pieces: ReactNode[] = [];
  let from = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const mark = longest(text, at, marks);
    if (!mark || at < from) continue;
    pieces.push(
      <Fragment key={`before ${at}`}>{withOwnEmoji(text.slice(from, at))}</Fragment>,
      <Mention key={at} mark={mark} />,
    );
    from = at + mark.label.length;
  }
  pieces.push(<Fragment key="rest">{withOwnEmoji(text.slice(from))}</Fragment>);
  return pieces;
}

/** The longest name that stands here as a whole. */
function longest(text: string, at: number, marks: Marks): Mark | undefined {
  let best: Mark | undefined;
  for (const mark of marks) {
    const isHere =
      text.startsWith(mark.label, at) && !/[\p{L}\p{N}]/u.test(text.charAt(at + mark.label.length));
    if (isHere && mark.label.length > (best?.label.length ?? 1)) best = mark;
  }
  return best;
}

function Mention({ mark }: { mark: Mark }) {
  const name = <bdi>{mark.label}</bdi>;
  const look = `mention ${mark.isMe ? "mention-me" : ""}`;
  return mark.draw ? mark.draw(name, look) : <span className={look}>{name}</span>;
}
