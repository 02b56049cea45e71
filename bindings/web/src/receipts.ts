/** Read receipts: who has read how far. */

export { type Receipt, type Receipts, receipts } from "./client/receipts.js";
