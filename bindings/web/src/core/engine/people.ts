/** Of whom the user wants to hear nothing, and what they want of rooms and everywhere. */

import { decode } from "../../codec/message.js";
import type { BlockChanged } from "../../generated/people/v1/people.js";
import { ListBlockedResponse } from "../../generated/people/v1/people.js";
import { GetSettings, ListBlocked } from "../../generated/rpc.js";
import { GetSettingsResponse } from "../../generated/settings/v1/settings.js";
import { idOf, idsOf, type UserId } from "../../ids.js";
import type { LogEvent } from "../event.js";
import type { Core } from "./core.js";

/** Whether somebody caused an event whom the user has blocked. */
export function isByBlocked(core: Core, event: LogEvent): boolean {
  return event.sender !== undefined && core.meta.blocked.has(event.sender);
}

/** Whom the user has blocked, unless it is known. */
export function askBlocked(core: Core): void {
  if (core.meta.knowsBlocked) return;
  const knownSeq = core.meta.userSeq;
  core.call("blocked", ListBlocked, {}, (result) => {
    if (!result.ok) return;
    const { users, asOfSeq } = decode(ListBlockedResponse, result.body);
    // What came since isn't in it, and was learned already. An answer from before the question says nothing of that.
    if (asOfSeq < core.meta.userSeq && asOfSeq >= knownSeq) return askBlocked(core);
    core.meta.blocked = new Set(idsOf<UserId>(users));
    core.meta.knowsBlocked = true;
    learned(core);
  });
}

/** The user has blocked somebody, or doesn't any more. */
export function learnBlock(core: Core, { user, blocked }: BlockChanged): void {
  const id = idOf<UserId>(user);
  if (id === undefined) return;
  if (blocked) core.meta.blocked.add(id);
  else core.meta.blocked.delete(id);
  core.metaChanged = true;
}

/** The user's own log doesn't tell what came before it. */
export function askSettings(core: Core): void {
  core.meta.knowsBlocked = false;
  askBlocked(core);
  core.call("settings", GetSettings, {}, (result) => {
    // A server that knows no settings has none.
    if (!result.ok) return;
    core.meta.settings = decode(GetSettingsResponse, result.body).settings;
    learned(core);
  });
}

function learned(core: Core): void {
  core.metaChanged = true;
  core.notices.push({ type: "signal", signal: { type: "learned" } });
}
