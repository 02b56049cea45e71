/** The inbox: mentions, followed threads, saved messages, and marking all read. */

export { FollowedThreads, type Following, type FollowState, following } from "./client/following.js";
export { type Mention, type MentionsFilter, type MentionsPage, mentions } from "./client/inbox.js";
export { Listed } from "./client/listed.js";
export { markAllRead } from "./client/read-all.js";
export { type SavedMessage, SavedMessages } from "./client/saved.js";
