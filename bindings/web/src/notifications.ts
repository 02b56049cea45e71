/** Notifications, and what the user wants of rooms and everywhere. */

export { type Notification, notifications } from "./client/notifications.js";
export {
  changeRoomSettings,
  changeSettings,
  FOREVER_MS,
  type Level,
  type RoomSettings,
  roomSettings,
  type Settings,
  settings,
} from "./client/settings.js";
export type { NotifyReason } from "./core/notify.js";
