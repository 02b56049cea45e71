/** What is sent from the outbox, and the call that sends each kind of it. */

import { encode, type Init } from "../codec/message.js";
import type { ControlMethod } from "../codec/method.js";
import type { SendRequest } from "../generated/message/v1/message.js";
import * as rpc from "../generated/rpc.js";
import { bytesOf, type ClientRef, fieldOf, type RoomId, type UserId } from "../ids.js";

/** What is sent. Plain values, as a cache keeps them. */
export type Payload =
  /** A message: an encoded `MessagePosted`, and what its header says. */
  | {
      type: "post";
      body: Uint8Array;
      mentions: UserId[];
      mentionsEveryone: boolean;
      /** The message it replies to; 0 for none. */
      replyTo: number;
      /** The message whose thread it belongs to; 0 for none. */
      threadRoot: number;
      /** Hashes of what it carries, in the order of the body, in hexadecimal digits. */
      attachments: string[];
    }
  /** Another text for the message: an encoded `MessageEdited`. */
  | { type: "edit"; target: number; body: Uint8Array }
  /** The end of the message. */
  | { type: "delete"; target: number }
  /** An emoji put to the message, or taken off. */
  | { type: "react"; target: number; emoji: string; on: boolean }
  /** A pin put to the message, or taken off. */
  | { type: "pin"; target: number; on: boolean }
  /** Options chosen in the message's poll, by places from 0; none to take the vote back. */
  | { type: "vote"; target: number; choices: number[] }
  /** The end of the message's poll. */
  | { type: "close-poll"; target: number }
  /** The end of what is shown of the message's links. */
  | { type: "hide-previews"; target: number };

/** A method's number and the bytes of its request. */
export interface Request {
  method: number;
  body: Uint8Array;
}

/** The request of a method. */
export function request<Req>(
  method: ControlMethod<Req, unknown>,
  message: Parameters<typeof encode<Req>>[1],
): Request {
  return { method: method.id, body: encode(method.request, message) };
}

/** A message as a request has it, without its ref. */
export function sendOf(room: RoomId, payload: Payload & { type: "post" }): Init<SendRequest> {
  return {
    room: fieldOf(room),
    body: payload.body,
    mentions: payload.mentions.map(fieldOf),
    mentionEveryone: payload.mentionsEveryone,
    replyToSeq: payload.replyTo,
    threadRootSeq: payload.threadRoot,
    attachments: payload.attachments.map(bytesOf),
  };
}

/** The call that sends something into a room. */
export function requestOf(roomId: RoomId, ref: ClientRef, payload: Payload): Request {
  const [room, clientRef] = [fieldOf(roomId), fieldOf(ref)];
  if (payload.type === "post") return request(rpc.Send, { ...sendOf(roomId, payload), clientRef });
  const at = { room, clientRef, targetSeq: payload.target };
  switch (payload.type) {
    case "edit":
      return request(rpc.Edit, { ...at, body: payload.body });
    case "delete":
      return request(rpc.Delete, at);
    case "react":
      return request(payload.on ? rpc.React : rpc.Unreact, { ...at, emoji: payload.emoji });
    case "pin":
      return request(payload.on ? rpc.Pin : rpc.Unpin, at);
    case "vote":
      return request(rpc.Vote, { ...at, choices: payload.choices });
    case "close-poll":
      return request(rpc.ClosePoll, at);
    default:
      return request(rpc.HideLinkPreviews, at);
  }
}
