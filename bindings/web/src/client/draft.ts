/** What a message says, and whom it mentions. */

import { encode } from "../codec/message.js";
import { utf8Length } from "../codec/wire.js";
import type { Payload } from "../core/payload.js";
import type { Attachment } from "../core/timeline/item.js";
import { ParlourError } from "../errors.js";
import type { Components } from "../generated/interaction/v1/components.js";
import { MessageEdited, MessagePosted } from "../generated/message/v1/message.js";
import { bytesOf, fieldOf, type RoomId, type UserId } from "../ids.js";
import { MENTIONS_MAX, TEXT_BYTES_MAX } from "../limits.js";

/** A poll to be asked: 2 to 20 options, no two alike. */
export interface NewPoll {
  /** 1 to 500 bytes. */
  question: string;
  /** What may be chosen; a text alone is an option without an emoji. */
  options: readonly (string | { text: string; emoji?: string })[];
  /** How many of them one user may choose; 1 unless it is said. */
  maxChoices?: number;
  /** Nobody is told who has chosen what. */
  isAnonymous?: boolean;
  /** From then on nobody can vote; Unix milliseconds. */
  closesAtMs?: number;
}

/** What a message says. A text alone is one without the rest. */
export interface Draft {
  /** 1 byte to 16 KiB; may be left out where there are attachments or a poll. */
  text?: string;
  /** What was uploaded, at most 50. */
  attachments?: readonly Attachment[];
  /** Users mentioned, at most 100; each must be in the room. */
  mentions?: readonly UserId[];
  /** Mentions everyone in the room. */
  mentionsEveryone?: boolean;
  /** Nodes of the directory whose people are mentioned, by their rooms, at most 8. */
  mentionGroups?: readonly RoomId[];
  /** The message it replies to, by its number in the log. */
  replyTo?: number | undefined;
  /** The message whose thread it belongs to. */
  threadRoot?: number | undefined;
  /** What it asks. */
  poll?: NewPoll;
  /** What it offers to press and to choose. */
  components?: Components;
}

/** A text, or more. */
export type Sendable = string | Draft;

/** A text as a draft. */
export function draftOf(message: Sendable): Draft {
  return typeof message === "string" ? { text: message } : message;
}

/** As the outbox has it. Throws `ParlourError` where it is over a bound. */
export function postPayload(message: Sendable): Payload & { type: "post" } {
  const draft = draftOf(message);
  const { text = "", attachments = [], mentions = [], mentionGroups = [], poll, components } = draft;
  checkText(text, attachments.length > 0 || poll !== undefined);
  if (mentions.length > MENTIONS_MAX) throw new ParlourError("mentions");
  const body = encode(MessagePosted, {
    text,
    attachments: attachments.map(attachmentToWire),
    components,
    poll: poll && pollToWire(poll),
    mentionGroups: mentionGroups.map(fieldOf),
  });
  return {
    type: "post",
    body,
    mentions: [...mentions],
    mentionsEveryone: draft.mentionsEveryone ?? false,
    replyTo: draft.replyTo ?? 0,
    threadRoot: draft.threadRoot ?? 0,
    attachments: attachments.map((attachment) => attachment.hash),
  };
}

/** Another text for a message. Whether it may be without one, since it carries something, the server knows. */
export function editPayload(target: number, text: string): Payload {
  checkText(text, true);
  return { type: "edit", target, body: encode(MessageEdited, { text }) };
}

/** Throws `ParlourError` where a text is too long, or empty where it may not be. */
export function checkText(text: string, mayBeEmpty: boolean): void {
  if ((text === "" && !mayBeEmpty) || utf8Length(text) > TEXT_BYTES_MAX) throw new ParlourError("text");
}

/** As a message's body has it. */
export function attachmentToWire({ hash, name, description, isVoice, ...blob }: Attachment) {
  return { blob: { ...blob, hash: bytesOf(hash) }, name, description, isVoice };
}

function pollToWire({ question, options, maxChoices = 1, isAnonymous = false, closesAtMs = 0 }: NewPoll) {
  const all = options.map((option) => (typeof option === "string" ? { text: option } : option));
  return { question, options: all, maxChoices, anonymous: isAnonymous, closesAtMs };
}
