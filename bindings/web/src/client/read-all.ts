/** Marks all of it read. */

import type { CallOptions } from "./call.js";
import type { Client } from "./client.js";

/**
 * Everything in every room and followed thread is read, as far as the client knows of it. The rooms' markers wait
 * for a connection where there is none; what this waits for are the threads.
 */
export async function markAllRead(client: Client, options: CallOptions = {}): Promise<void> {
  const rooms = client.rooms.items;
  for (const { id, unread } of rooms) if (unread > 0) client.room(id).markRead();
  if (!rooms.some(({ threadUnread }) => threadUnread > 0)) return;
  const threads = await client.threads({ unreadOnly: true }, options);
  await Promise.all(threads.map(({ thread, summary }) => thread.markRead(summary.lastSeq, options)));
}
