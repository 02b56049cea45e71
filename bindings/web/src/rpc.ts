/**
 * Every method of the contract, for `Client.call`: `import * as rpc from "@parlour/client/rpc"`. What isn't used
 * is shaken out of a bundle.
 */

export type { BulkMethod, ControlMethod } from "./codec/method.js";
export * from "./generated/rpc.js";
