/** Messages that the server sends later, and reminders. */

export { Listed } from "./client/listed.js";
export { type Reminder, Reminders } from "./client/reminders.js";
export { Schedule, type Scheduled } from "./client/schedule.js";
