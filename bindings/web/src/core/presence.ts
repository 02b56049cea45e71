/** Presence as a client knows it: whether others are there, and what they say of themselves. */

import {
  type Presence,
  PresenceState,
  type Status,
  Activity as WireActivity,
} from "../generated/presence/v1/presence.js";
import { idOf, type UserId } from "../ids.js";

/** Whether somebody is there; `unknown` where the server hasn't said, or doesn't say it to this user. */
export type Availability = "unknown" | "offline" | "online" | "idle" | "do-not-disturb";

/**
 * What the user does at this device: they use the app; it is shown and nobody touches it; it isn't shown; or
 * they don't want to be counted here, but hear of others.
 */
export type Activity = "active" | "idle" | "background" | "invisible";

/** What others see of somebody's presence. */
export interface UserPresence {
  readonly user: UserId;
  readonly availability: Availability;
  /** What they say of themselves. */
  readonly status: Status | undefined;
  /** Of somebody who isn't there: about when they were, Unix milliseconds, where they let others know. */
  readonly lastSeenMs: number | undefined;
  /** The `mark` of the user as they are now; 0 where it isn't known. */
  readonly userMark: number;
}

const AVAILABILITIES: Record<number, Availability> = {
  [PresenceState.UNSPECIFIED]: "unknown",
  [PresenceState.OFFLINE]: "offline",
  [PresenceState.ONLINE]: "online",
  [PresenceState.IDLE]: "idle",
  [PresenceState.DO_NOT_DISTURB]: "do-not-disturb",
};

/** As the wire has them. */
export const ACTIVITIES: Record<Activity, number> = {
  active: WireActivity.ACTIVE,
  idle: WireActivity.IDLE,
  background: WireActivity.BACKGROUND,
  invisible: WireActivity.INVISIBLE,
};

/** Somebody of whom nothing was heard. */
export function unknownPresence(user: UserId): UserPresence {
  return { user, availability: "unknown", status: undefined, lastSeenMs: undefined, userMark: 0 };
}

/** What the server says of somebody; a state of a later version is shown as online. */
export function presenceOf(wire: Presence): UserPresence | undefined {
  const user = idOf<UserId>(wire.user);
  const availability = AVAILABILITIES[wire.state] ?? "online";
  const { status, lastSeenMs, userMark } = wire;
  return user && { user, availability, status, lastSeenMs: lastSeenMs || undefined, userMark };
}
