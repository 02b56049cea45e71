/** Who is there, and what they say of themselves. */

import type { Activity, UserPresence } from "../core/presence.js";
import { ParlourError } from "../errors.js";
import type { UserId } from "../ids.js";
import type { Driver } from "./driver.js";
import type { ObservableValue } from "./observe.js";

/** Presence, for one client. */
export class Presence {
  readonly #driver: Driver;
  /** @internal Made by a client. */
  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** What the user does at this device. Call it at every touch: what need not be said isn't. */
  set(activity: Activity): void {
    this.#driver.hint((engine) => engine.setActivity(activity, this.#driver.now()));
  }

  /** Those who are watched, as they are now and whenever that changes. */
  get people(): ObservableValue<ReadonlyMap<UserId, UserPresence>> {
    return this.#driver.presences;
  }

  /** Watches users, until what this returns is called. With those watched already at most 1,000. */
  watch(users: readonly UserId[]): () => void {
    let isWatched = true;
    this.#driver.hint((engine) => {
      isWatched = engine.watchPresence(users, this.#driver.now());
    });
    if (!isWatched) throw new ParlourError("too-many-watched");
    return () => {
      if (isWatched) this.#driver.hint((engine) => engine.unwatchPresence(users, this.#driver.now()));
      isWatched = false;
    };
  }
}
