/** The organization's own emoji. */

export { type Emoji, type Emojis, emojis } from "./client/emoji.js";
