/** People: finding and blocking them, and what the user says of themselves. */

export { type Identity, identity } from "./client/identity.js";
export { block, blocked, card, type PeoplePage, searchPeople, unblock } from "./client/people.js";
export { type ProfileChange, setProfile } from "./client/profile.js";
export {
  clearStatus,
  type PresenceSettings,
  presenceSettings,
  type Status,
  setDoNotDisturb,
  setStatus,
  shareLastSeen,
} from "./client/status.js";
export { usersOf } from "./client/user.js";
export { type Users, users } from "./client/users.js";
