/**
 * The whole contract but its methods: every message and enum, and the kinds of events. What isn't used is shaken out
 * of a bundle.
 */

export { type BodyTable, decodeBody } from "./codec/bodies.js";
export { decode, encode, type Init, type MessageType } from "./codec/message.js";
export * from "./generated/all.js";
export * from "./generated/events.js";
export * as Kind from "./generated/kinds.js";
export { bytesOf, fieldOf, hexOf, idOf, idsOf } from "./ids.js";
