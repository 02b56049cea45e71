/** Parlour's client: rooms, timelines and unread counts over WebTransport or WebSocket. */

export type { CallOptions } from "./client/call.js";
export { Client } from "./client/client.js";
export type { Draft, NewPoll, Sendable } from "./client/draft.js";
export type { RoomEvents, Sent } from "./client/driver.js";
export type { ClientOptions, TokenKeeper, TokenSource } from "./client/environment.js";
export { type Delivery, Message, type TimelineItem } from "./client/message.js";
export { ObservableList, ObservableStream, ObservableValue } from "./client/observe.js";
export type { Pin } from "./client/pins.js";
export type { Presence } from "./client/presence.js";
export type { QueuedSend, Room } from "./client/room.js";
export type { Ended, State } from "./client/state.js";
export type { FollowedThread, Thread } from "./client/thread.js";
export type { Timeline } from "./client/timeline.js";
export type { User, Who } from "./client/user.js";
export type { Cache, Meta, Run, Saved, Write } from "./core/cache/cache.js";
export { MemoryCache } from "./core/cache/memory.js";
export { applyDiff, type Diff } from "./core/diff.js";
export type { LogEvent } from "./core/event.js";
export type { Poll, Tally } from "./core/polls.js";
export type { Activity, Availability, UserPresence } from "./core/presence.js";
export type { RoomSummary } from "./core/rooms.js";
export type {
  Attachment,
  MessageItem,
  NoticeItem,
  Place,
  Reaction,
  ThreadSummary,
} from "./core/timeline/item.js";
export { type CloseName, type ErrorKind, ParlourError, type Reason, type Stop } from "./errors.js";
export { type ClientRef, type RoomId, roomId, type UserId, userId } from "./ids.js";
export type { Socket, SocketConstructor } from "./net/websocket.js";
