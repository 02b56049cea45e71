/** Rooms beyond talking in them: topics, open groups, archives, bans, permissions, private rooms. */

export {
  type Override,
  overrides,
  type PermissionName,
  Permissions,
  permissions,
  setAnnouncementsOnly,
  setOverrides,
} from "./client/access.js";
export {
  ban,
  bans,
  handOver,
  join,
  type OpenRoom,
  openRooms,
  setArchived,
  setAvatar,
  setMessageExpiry,
  setOpen,
  setSlowMode,
  setTopic,
  unban,
} from "./client/life.js";
export { membersPage, type PageOptions } from "./client/members.js";
export { notice, type PrivateNotice, postNotice, privateRoom } from "./client/private.js";
