/**
 * The people whose names are on the screen, asked for a batch at a time. The SDK answers from memory but tells nobody
 * when a name has come; until it does, this small window on it is what components watch.
 */

import type { Client, User, UserId } from "@parlour/client";

const BATCH_AFTER_MS = 15;
const AGAIN_AFTER_MS = 5000;
const KEPT_MAX = 400;

/** What is kept of somebody for the next visit, before the server has been asked. */
type Kept = Pick<User, "id" | "subject" | "name" | "kind">;

/** People by id. */
export class People {
  private readonly known = new Map<UserId, User>();
  private readonly asked = new Set<UserId>();
  private readonly listeners = new Set<() => void>();
  private wanted = new Set<UserId>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: Client,
    private readonly keepAs: string,
  ) {
    for (const kept of this.recall())
      this.known.set(kept.id, { ...kept, avatar: undefined, profile: {}, isDeactivated: false });
  }

  readonly subscribe = (onChange: () => void): (() => void) => {
    this.listeners.add(onChange);
    return () => this.listeners.delete(onChange);
  };

  /** Somebody, if they are known. */
  get(id: UserId | undefined): User | undefined {
    return id && this.known.get(id);
  }

  /** Asks for somebody soon, together with others. */
  want(id: UserId): void {
    if (this.asked.has(id)) return;
    this.asked.add(id);
    this.wanted.add(id);
    this.timer ??= setTimeout(() => void this.ask(), BATCH_AFTER_MS);
  }

  /** Somebody's profile is another: asks anew. */
  refresh(id: UserId): void {
    this.asked.delete(id);
    this.want(id);
  }

  /** People that an answer has told of. */
  learn(users: readonly User[]): void {
    for (const user of users) {
      this.known.set(user.id, user);
      this.asked.add(user.id);
    }
    this.changed();
  }

  /** Forgets what was kept on this device. */
  forget(): void {
    localStorage.removeItem(this.keepAs);
  }

  private async ask(): Promise<void> {
    const ids = [...this.wanted];
    this.wanted = new Set();
    this.timer = undefined;
    try {
      const found = await this.client.users(ids);
      for (const [id, user] of found) this.known.set(id, user);
      this.changed();
    } catch {
      for (const id of ids) this.asked.delete(id);
      setTimeout(() => ids.forEach((id) => void this.want(id)), AGAIN_AFTER_MS);
    }
  }

  private changed(): void {
    for (const listener of [...this.listeners]) listener();
    const kept: Kept[] = [...this.known.values()].slice(-KEPT_MAX).map(({ id, subject, name, kind }) => ({
      id,
      subject,
      name,
      kind,
    }));
    try {
      localStorage.setItem(this.keepAs, JSON.stringify(kept));
    } catch {
      // No place left: names come from the server next time.
    }
  }

  private recall(): Kept[] {
    try {
      return JSON.parse(localStorage.getItem(this.keepAs) ?? "[]") as Kept[];
    } catch {
      return [];
    }
  }
}
