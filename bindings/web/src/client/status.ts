/** What the user has set about their presence (PROTOCOL.md, section 25). */

import type { Init } from "../codec/message.js";
import type {
  SetStatusRequest,
  PresenceSettings as WireSettings,
} from "../generated/presence/v1/presence.js";
import { SetStatus } from "../generated/rpc.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";
import type { Driver } from "./driver.js";
import { ObservableValue } from "./observe.js";

/** What a user says of themselves: a text, an emoji or both. */
export interface Status {
  /** At most 100 bytes. */
  readonly text?: string;
  /** An emoji, or `:name:`. */
  readonly emoji?: string;
  /** It isn't shown from then on, Unix milliseconds. */
  readonly expiresAtMs?: number;
}

/** All that the user has set. */
export interface PresenceSettings {
  /** Also one that is over: it is kept, and not shown. */
  readonly status: Status | undefined;
  /** Unix milliseconds; absent for not at all. */
  readonly doNotDisturbUntilMs: number | undefined;
  /** Whether others see when the user was there last. */
  readonly sharesLastSeen: boolean;
}

/** Says something of the user, in the place of what was said before. Fails with `INVALID_FIELD`. */
export async function setStatus(
  client: Client,
  status: string | Status,
  options: CallOptions = {},
): Promise<void> {
  await set(client, { status: typeof status === "string" ? { text: status } : status }, options);
}

/** Says nothing of the user any more. */
export async function clearStatus(client: Client, options: CallOptions = {}): Promise<void> {
  await set(client, { status: {} }, options);
}

/** The user doesn't want to be disturbed until then, Unix milliseconds; without a time no longer. */
export async function setDoNotDisturb(
  client: Client,
  untilMs: number | undefined,
  options: CallOptions = {},
): Promise<void> {
  await set(client, { doNotDisturbUntilMs: untilMs ?? 0 }, options);
}

/** Whether others see when the user was there last. Where they don't, it isn't even kept. */
export async function shareLastSeen(
  client: Client,
  shares: boolean,
  options: CallOptions = {},
): Promise<void> {
  await set(client, { shareLastSeen: shares }, options);
}

async function set(
  client: Client,
  request: Init<SetStatusRequest>,
  options: CallOptions,
): Promise<PresenceSettings> {
  const { settings } = await client.call(SetStatus, request, options);
  return settingsOf(settings);
}

const observed = new WeakMap<Driver, ObservableValue<PresenceSettings | undefined>>();

/** All that the user has set, now and whenever that changes, at whichever device; absent until the server has told. */
export function presenceSettings(client: Client): ObservableValue<PresenceSettings | undefined> {
  const driver = driverOf(client);
  const known = observed.get(driver);
  if (known) return known;
  const value = driver.adopt(new ObservableValue<PresenceSettings | undefined>(undefined));
  observed.set(driver, value);
  // A request that changes nothing, whose answer says what is set.
  const ask = () =>
    set(client, {}, {}).then(
      (settings) => value.set(settings),
      // A server that is another, or none any more: it stays as it was.
      () => undefined,
    );
  driver.signals.hear((signal) => {
    if (signal.type === "learned") void ask();
    else if (signal.type === "own" && signal.body.case === "statusChanged")
      value.set(settingsOf(signal.body.value.settings));
  });
  void ask();
  return value;
}

function settingsOf(wire: WireSettings | undefined): PresenceSettings {
  const { status, doNotDisturbUntilMs = 0, shareLastSeen: sharesLastSeen = false } = wire ?? {};
  return { status, doNotDisturbUntilMs: doNotDisturbUntilMs || undefined, sharesLastSeen };
}
