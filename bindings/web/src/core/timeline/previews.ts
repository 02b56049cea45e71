/**
 * What the pages say of themselves that messages lead to. They belong to one text of a message: with
 * another text they mean nothing, whatever comes first.
 */

import * as Kind from "../../generated/kinds.js";
import { type LinkPreview, LinkPreviewsAdded } from "../../generated/preview/v1/preview.js";
import type { ClientRef } from "../../ids.js";
import type { LogEvent } from "../event.js";
import { bound, forgetTo } from "./bounded.js";

/** What an event says of a message's previews: they are these, of the text at that place; or none any more. */
export type Said = { textSeq: number; previews: LinkPreview[] } | "hidden";

/** What an event says of previews; `undefined` for other events. */
export function previewsOf(event: LogEvent): Said | undefined {
  if (event.kind === Kind.linkPreviewsHidden) return "hidden";
  // One that was erased, with its message, says nothing.
  return event.kind === Kind.linkPreviewsAdded ? event.bodyAs(LinkPreviewsAdded) : undefined;
}

interface Known {
  /** Of the newest text that any are known of. */
  textSeq: number;
  previews: LinkPreview[];
  isHidden: boolean;
}

/** All that is known of previews. */
export class Previews {
  readonly #known = new Map<number, Known>();
  /** What the user has hidden that the server doesn't have yet, by message. */
  readonly #pending = new Map<number, ClientRef>();

  /** Takes in what was said of a message; whether that is new. */
  apply(target: number, said: Said, max: number): boolean {
    const known = this.#known.get(target) ?? { textSeq: 0, previews: [], isHidden: false };
    const isNew = said === "hidden" ? !known.isHidden : said.textSeq > known.textSeq;
    if (!isNew) return false;
    const { textSeq, previews } = said === "hidden" ? known : said;
    this.#known.set(target, { textSeq, previews, isHidden: known.isHidden || said === "hidden" });
    bound(this.#known, max);
    return true;
  }

  /** The message is deleted, and with it what its links said. */
  forget(target: number): void {
    this.#known.delete(target);
  }

  /** The user has hidden them, and that isn't sent yet. */
  putPending(target: number, clientRef: ClientRef): void {
    this.#pending.set(target, clientRef);
  }

  /** It won't be sent, or it was. */
  dropPending(target: number, clientRef: ClientRef): void {
    if (this.#pending.get(target) === clientRef) this.#pending.delete(target);
  }

  /** Forgets everything up to this number. */
  forgetTo(seq: number): void {
    forgetTo(this.#known, seq);
  }

  /** Those of a message whose text is that at `textSeq`. */
  shown(target: number, textSeq: number): readonly LinkPreview[] {
    const known = this.#known.get(target);
    const fits = known?.textSeq === textSeq && !known.isHidden && !this.#pending.has(target);
    return fits ? known.previews : [];
  }
}
