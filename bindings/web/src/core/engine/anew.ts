/**
 * A cache that took no changes: what it has doesn't follow any more from what is known, and it is written anew once
 * it takes changes again.
 */

import type { Core } from "./core.js";
import { startLog } from "./session.js";

/**
 * Changes never came to the cache. What it has of rooms isn't built on any more: what somebody looks at is read from
 * the server, and without a connection the old is better than nothing.
 */
export function loseCache(core: Core): void {
  for (const { id, log } of core.rooms.all()) startLog(core, id, log.to);
}

/** Everything that the cache is to have is written next, in place of whatever it has. Events come as they are read. */
export function writeAnew(core: Core): void {
  loseCache(core);
  const settled = [...core.settled.values()].flatMap((places) => [...places.values()]);
  const entries = [...settled.map(({ entry }) => entry), ...core.outbox.all()];
  core.writes.length = 0;
  core.writes.push({ type: "reset" }, { type: "reset-outbox" });
  for (const entry of entries) core.writes.push({ type: "outbox", entry });
  for (const { id } of core.rooms.all()) core.changedRooms.add(id);
  core.metaChanged = true;
}
