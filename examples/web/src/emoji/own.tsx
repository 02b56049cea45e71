/** The organization's own emoji: pictures with a name, which stand as `:name:` in texts and reactions. */

import { type Emoji, emojis } from "@parlour/client/emoji";
import { type ReactNode, useCallback, useEffect, useSyncExternalStore } from "react";
import { useClient } from "../sdk/context.tsx";
import { usePicture } from "../sdk/pictures.ts";

const NAMED = /:([a-z0-9_+-]{1,32}):/g;

/** All of them, by name. */
export function useOwnEmoji(): ReadonlyMap<string, Emoji> {
  const all = emojis(useClient());
  return useSyncExternalStore(all.subscribe, () => all.current);
}

/** An emoji's picture; its name in colons where there is none by that name. */
export function OwnEmoji({ name, size = "1.375em" }: { name: string; size?: string }) {
  const client = useClient();
  const all = emojis(client);
  const known = useSyncExternalStore(
    all.subscribe,
    useCallback(() => all.current.get(name), [all, name]),
  );
  useEffect(() => {
    // One that isn't known may be new.
    all.find(name);
  }, [all, name]);
  const url = usePicture(known?.picture);
  const text = `:${name}:`;
  if (!known) return text;
  const style = { blockSize: size, minInlineSize: size };
  if (!url) return <span className="own-emoji" role="img" aria-label={text} style={style} />;
  return <img className="own-emoji" src={url} alt={text} title={text} style={style} draggable={false} />;
}

/** An emoji of a reaction or a status: its picture where it has one. */
export function EmojiFace({ emoji, size }: { emoji: string; size?: string }) {
  const name = /^:([a-z0-9_+-]{1,32}):$/.exec(emoji)?.[1];
  return name ? <OwnEmoji name={name} {...(size ? { size } : {})} /> : emoji;
}

/** A text with the organization's emoji in it as pictures. */
export function withOwnEmoji(text: string): ReactNode {
  if (!text.includes(":")) return text;
  const pieces: ReactNode[] = [];
  let from = 0;
  for (const { 0: whole, 1: name = "", index } of text.matchAll(NAMED)) {
    pieces.push(text.slice(from, index), <OwnEmoji key={index} name={name} />);
    from = index + whole.length;
  }
  if (from === 0) return text;
  pieces.push(text.slice(from));
  return pieces;
}
