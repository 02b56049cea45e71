/** Methods of the contract: their numbers, their lanes, what they take and answer. */

import type { MessageType } from "./message.js";

/** A small call on the control lane, answered by one message. */
export interface ControlMethod<Request, Response> {
  readonly lane: "control";
  /** Its number. */
  readonly id: number;
  readonly request: MessageType<Request>;
  readonly response: MessageType<Response>;
}

/** A call on a lane of its own, answered by any number of items. */
export interface BulkMethod<Request, Item> {
  readonly lane: "bulk";
  /** Its number. */
  readonly id: number;
  readonly request: MessageType<Request>;
  readonly response: MessageType<Item>;
}

/** Makes a method of the control lane. */
export function controlMethod<Request, Response>(
  id: number,
  request: MessageType<Request>,
  response: MessageType<Response>,
): ControlMethod<Request, Response> {
  return { lane: "control", id, request, response };
}

/** Makes a method with a lane of its own. */
export function bulkMethod<Request, Item>(
  id: number,
  request: MessageType<Request>,
  response: MessageType<Item>,
): BulkMethod<Request, Item> {
  return { lane: "bulk", id, request, response };
}
