/** What the engine hears and doesn't keep: for features that stand beside it, behind entry points of their own. */

import type { UserEventBody } from "../generated/events.js";
import type { RoomId, UserId } from "../ids.js";

/** Something that was heard. */
export type Signal =
  /** The next event of the user's own log. */
  | { readonly type: "own"; readonly body: UserEventBody }
  /** Something in a room that stands in no log, but for typing; `kind` says what its body is. */
  | {
      readonly type: "ephemeral";
      readonly room: RoomId;
      readonly sender: UserId;
      readonly kind: number;
      readonly body: Uint8Array;
    }
  /** The server told anew what the user wants, or of whom they want to hear nothing. */
  | { readonly type: "learned" }
  /** A connection was made anew: what stands in no log may have gone past. */
  | { readonly type: "missed" };
