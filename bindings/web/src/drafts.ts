/** What the user has begun to write, on all their devices. */

export { type Begun, Drafts } from "./client/drafts.js";
export { Listed } from "./client/listed.js";
