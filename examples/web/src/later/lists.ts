/** The user's own lists: what is saved, what they want to be reminded of, what is sent later, what is begun. */

import type { Client } from "@parlour/client";
import { type Begun, Drafts } from "@parlour/client/drafts";
import { type SavedMessage, SavedMessages } from "@parlour/client/inbox";
import { type Reminder, Reminders, Schedule, type Scheduled } from "@parlour/client/schedule";
import { useKept } from "./kept.ts";

export const openSaved = (client: Client) => SavedMessages.open(client);
export const openReminders = (client: Client) => Reminders.open(client);
export const openSchedule = (client: Client) => Schedule.open(client);
export const openDrafts = (client: Client) => Drafts.open(client);

/** What is saved. */
export const useSaved = () => useKept<SavedMessage, SavedMessages>(openSaved);
/** Reminders. */
export const useReminders = () => useKept<Reminder, Reminders>(openReminders);
/** What is sent later. */
export const useSchedule = () => useKept<Scheduled, Schedule>(openSchedule);
/** What is begun, on all devices. */
export const useDrafts = () => useKept<Begun, Drafts>(openDrafts);
