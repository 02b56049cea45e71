/** History elsewhere than at its end: a room's messages around one of them. */

export { type Excerpt, timelineAround } from "./client/excerpt.js";
