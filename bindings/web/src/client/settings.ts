/** What the user wants of rooms and everywhere (PROTOCOL.md, section 23). */

import { SetRoomSettings, SetSettings } from "../generated/rpc.js";
import {
  NotificationLevel,
  type RoomSettings as WireRoomSettings,
  type Settings as WireSettings,
} from "../generated/settings/v1/settings.js";
import { fieldOf } from "../ids.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";
import type { Driver } from "./driver.js";
import { ObservableValue } from "./observe.js";
import type { Room } from "./room.js";

/** What the user is notified of: everything, or mentions, keywords and replies in followed threads, or nothing. */
export type Level = "all" | "mentions" | "nothing";

/** What the user wants of one room. */
export interface RoomSettings {
  /** Absent: as their `Settings` say. */
  readonly level: Level | undefined;
  /** Nothing is notified until then, Unix milliseconds; 0 for not muted. */
  readonly mutedUntilMs: number;
  /** Stands at the top of lists. */
  readonly isFavourite: boolean;
  /** Under which heading it is listed, at most 64 bytes; empty for none. */
  readonly section: string;
}

/** What the user wants everywhere. */
export interface Settings {
  /** Absent: everything in direct rooms, mentions in others. */
  readonly level: Level | undefined;
  /** Words that notify like a mention, compared without regard to case; at most 50 of at most 64 bytes. */
  readonly keywords: readonly string[];
  /** Others don't see how far the user has read, nor the user how far they have. */
  readonly hidesReceipts: boolean;
}

const LEVELS: readonly (Level | undefined)[] = [undefined, "all", "mentions", "nothing"];
/** As an end that doesn't come. */
export const FOREVER_MS: number = Number.MAX_SAFE_INTEGER;

const observed = new WeakMap<Driver, ObservableValue<Settings>>();

/** What the user wants everywhere, now and whenever that changes, at whichever device. */
export function settings(client: Client): ObservableValue<Settings> {
  const driver = driverOf(client);
  const known = observed.get(driver);
  if (known) return known;
  const now = () => settingsOf(driver.engine.meta.settings);
  const value = driver.adopt(new ObservableValue(now()));
  observed.set(driver, value);
  driver.signals.hear((signal) => {
    const isAbout = signal.type === "own" && signal.body.case === "settingsChanged";
    if (isAbout || signal.type === "learned") value.set(now());
  });
  return value;
}

/** Changes what the user wants everywhere, on all their devices. Fails with `INVALID_FIELD` for what is over a bound. */
export async function changeSettings(
  client: Client,
  change: Partial<Settings>,
  options: CallOptions = {},
): Promise<void> {
  const { level, keywords, hidesReceipts } = {
    ...settingsOf(driverOf(client).engine.meta.settings),
    ...change,
  };
  const wire = { level: levelToWire(level), keywords: [...keywords], hideReceipts: hidesReceipts };
  await client.call(SetSettings, { settings: wire }, options);
}

/** What the user wants of a room, as far as the client knows: it changes with the room's summary. */
export function roomSettings(room: Room): RoomSettings {
  return roomSettingsOf(room.summary?.settings);
}

/**
 * Changes what the user wants of a room, on all their devices: a level, a heading, a favourite, `mutedUntilMs` with a
 * time or `FOREVER_MS`.
 */
export async function changeRoomSettings(
  room: Room,
  change: Partial<RoomSettings>,
  options: CallOptions = {},
): Promise<void> {
  const { level, mutedUntilMs, isFavourite, section } = { ...roomSettings(room), ...change };
  const wire = { level: levelToWire(level), mutedUntilMs, favourite: isFavourite, section };
  await room.client.call(SetRoomSettings, { room: fieldOf(room.id), settings: wire }, options);
}

function settingsOf(wire: WireSettings | undefined): Settings {
  const { level = 0, keywords = [], hideReceipts = false } = wire ?? {};
  return { level: LEVELS[level], keywords, hidesReceipts: hideReceipts };
}

function roomSettingsOf(wire: WireRoomSettings | undefined): RoomSettings {
  const { level = 0, mutedUntilMs = 0, favourite = false, section = "" } = wire ?? {};
  return { level: LEVELS[level], mutedUntilMs, isFavourite: favourite, section };
}

function levelToWire(level: Level | undefined): NotificationLevel {
  return level === undefined ? NotificationLevel.UNSPECIFIED : LEVELS.indexOf(level);
}
