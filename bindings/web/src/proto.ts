/**
 * The whole contract: every message and enum, every method for `Client.call`, and the kinds of events. What isn't
 * used is shaken out of a bundle.
 */

export { type BodyTable, decodeBody } from "./codec/bodies.js";
export { decode, encode, type Init, type MessageType } from "./codec/message.js";
export type { BulkMethod, ControlMethod } from "./codec/method.js";
export * from "./generated/all.js";
export * as events from "./generated/events.js";
export * as rpc from "./generated/rpc.js";
