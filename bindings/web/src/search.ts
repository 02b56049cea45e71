/** Search: messages by their words, in all rooms that the user is in. */

export { type Hit, type Search, type SearchPage, search } from "./client/search.js";
