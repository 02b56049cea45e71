/** Timelines that are looked at: however many look at one, the engine has it open once. */

import type { PageFault } from "../core/engine/core.js";
import type { Engine } from "../core/engine/engine.js";
import type { Item } from "../core/timeline/item.js";
import { type Scope, scopeKey } from "../core/timeline/threads.js";
import { ParlourError } from "../errors.js";
import { ObservableList } from "./observe.js";
import type { Waiter } from "./waiters.js";

interface Watched {
  readonly scope: Scope;
  readonly list: ObservableList<Item>;
  /** Settles once what the cache has of it is there. */
  readonly opened: Promise<void>;
  readonly open: Waiter<void>;
  lookers: number;
  paging: Waiter<void>[];
}

/** All of them. */
export class WatchedTimelines {
  readonly #engine: Engine;
  readonly #flush: () => void;
  readonly #watched = new Map<string, Watched>();

  constructor(engine: Engine, flush: () => void) {
    this.#engine = engine;
    this.#flush = flush;
  }

  /** The list of a timeline, once what the cache has of it is there. `unwatch` it once for each time. */
  async watch(scope: Scope): Promise<ObservableList<Item>> {
    const watched = this.#watched.get(scopeKey(scope)) ?? this.#begin(scope);
    watched.lookers += 1;
    this.#flush();
    await watched.opened;
    return watched.list;
  }

  #begin(scope: Scope): Watched {
    let open: Waiter<void> | undefined;
    const opened = new Promise<void>((resolve, reject) => {
      open = { resolve, reject };
    });
    const list = new ObservableList<Item>();
    const watched = { scope, list, opened, open: open as unknown as Waiter<void>, lookers: 0, paging: [] };
    this.#watched.set(scopeKey(scope), watched);
    this.#engine.openTimeline(scope);
    return watched;
  }

  /** One fewer looks at a timeline. */
  unwatch(scope: Scope): void {
    const watched = this.#watched.get(scopeKey(scope));
    if (!watched) return;
    watched.lookers -= 1;
    if (watched.lookers > 0) return;
    this.#watched.delete(scopeKey(scope));
    this.#end(watched);
    this.#engine.closeTimeline(scope);
    this.#flush();
  }

  /** Adds a page before what is shown; whether more comes before it. */
  async loadOlder(scope: Scope, limit: number): Promise<boolean> {
    const watched = this.#watched.get(scopeKey(scope));
    if (!watched) throw new ParlourError("closed");
    const paged = new Promise<void>((resolve, reject) => {
      watched.paging.push({ resolve, reject });
    });
    this.#engine.loadOlder(scope, limit);
    this.#flush();
    await paged;
    return !(this.#engine.timeline(scope)?.isAtStart ?? true);
  }

  /** What the cache has of a timeline is there. */
  handleOpened(scope: Scope): void {
    this.publish();
    this.#watched.get(scopeKey(scope))?.open.resolve();
  }

  /** A page was added to a timeline, or couldn't be. */
  handlePaged(scope: Scope, fault: PageFault | undefined): void {
    this.publish();
    const watched = this.#watched.get(scopeKey(scope));
    const paging = watched?.paging ?? [];
    if (watched) watched.paging = [];
    for (const waiter of paging) {
      if (fault) waiter.reject(pageError(fault));
      else waiter.resolve();
    }
  }

  /** Hands out what has changed. */
  publish(): void {
    for (const { timeline, diffs } of this.#engine.takeTimelineDiffs()) {
      this.#watched.get(scopeKey(timeline.scope))?.list.change(diffs);
    }
  }

  /** The client is closed. */
  close(): void {
    for (const watched of this.#watched.values()) this.#end(watched);
    this.#watched.clear();
  }

  #end({ list, open, paging }: Watched): void {
    open.resolve();
    list.end();
    for (const waiter of paging) waiter.reject(new ParlourError("closed"));
  }
}

function pageError(fault: PageFault): ParlourError {
  return fault.why === "refused" ? ParlourError.refused(fault.error) : new ParlourError(fault.why);
}
