/** The inbox: mentions, saved messages, and marking all read. */

export { type Mention, type MentionsFilter, type MentionsPage, mentions } from "./client/inbox.js";
export { Listed } from "./client/listed.js";
export { markAllRead } from "./client/read-all.js";
export { type SavedMessage, SavedMessages } from "./client/saved.js";
