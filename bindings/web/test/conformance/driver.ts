/**
 * The driver of this client for the conformance kit: commands come as JSON lines on standard input, answers and what an
 * application would see go as JSON lines to standard output (tests/conformance/driver.schema.json).
 */

import { createInterface } from "node:readline";
import WebSocket from "ws";
import { download, upload } from "../../src/files.js";
import {
  type Activity,
  type Attachment,
  applyDiff,
  Client,
  type ClientRef,
  MemoryCache,
  ParlourError,
  type RoomId,
  type RoomSummary,
  type State,
  type Timeline,
  type TimelineItem,
  type UserId,
} from "../../src/index.js";
import { notifications } from "../../src/notifications.js";
import { search } from "../../src/search.js";
import { type FileLine, itemLine, roomLine } from "./lines.js";

/** A command; which fields there are depends on what it says. */
interface Command {
  id: number;
  do: string;
  url: string;
  cache?: "new" | "kept";
  focus?: "all" | "focused";
  room: RoomId;
  root?: number;
  seq: number;
  limit: number;
  text: string;
  reply_to?: number;
  mentions?: UserId[];
  everyone?: boolean;
  files?: FileLine[];
  emoji: string;
  off?: boolean;
  active: boolean;
  activity: Activity;
  ref: ClientRef;
  subject: string;
  subjects?: string[];
  name: string;
  media_type?: string;
  bytes: string;
  hash: string;
  command: number;
}

/** A token, or that there is none. */
interface TokenLine {
  to: number;
  token?: string;
}

type Answer = Record<string, unknown> | undefined;

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

let client: Client | undefined;
let cache = new MemoryCache();
const timelines = new Map<string, Timeline>();
/** Files as the client has them, which `send` takes, by their hashes. */
const uploaded = new Map<string, Attachment>();
const running = new Map<number, AbortController>();
const tokens = new Map<number, (line: TokenLine) => void>();
let tokensWanted = 0;

// Tokens.

function token(fresh: boolean): Promise<string> {
  const number = ++tokensWanted;
  say({ report: "token", number, fresh });
  return new Promise((resolve, reject) => {
    tokens.set(number, (line) =>
      line.token === undefined ? reject(new Error("none")) : resolve(line.token),
    );
  });
}

// Reports.

function watchState(of: Client): void {
  const tell = () => say({ report: "state", ...stateLine(of.state.current) });
  of.state.subscribe(tell);
  tell();
  let wasSynced = false;
  of.isSynced.subscribe(() => {
    if (of.isSynced.current && !wasSynced) say({ report: "synced" });
    wasSynced = of.isSynced.current;
  });
}

function stateLine(state: State): object {
  if (state.type === "live") return { state: "live", carrier: state.carrier, stalled: state.isStalled };
  if (state.type === "stopped") return { state: "stopped", why: state.stop.why, code: state.stop.code };
  if (state.type !== "offline") return { state: state.type };
  const { after } = state;
  return { state: "offline", why: after.why, ...(after.why === "closed" && { code: after.code }) };
}

/** Changes that come together are one for whoever looks at the list. */
function together(tell: () => void): () => void {
  let isDue = false;
  return () => {
    if (!isDue)
      setImmediate(() => {
        isDue = false;
        tell();
      });
    isDue = true;
  };
}

async function watchRooms(of: Client): Promise<void> {
  const list: RoomSummary[] = [];
  const tell = together(() => say({ report: "rooms", rooms: list.map(roomLine) }));
  for await (const diff of of.rooms) {
    applyDiff(diff, list);
    tell();
  }
}

async function watchTimeline(timeline: Timeline, room: RoomId, root: number): Promise<void> {
  const list: TimelineItem[] = [];
  const tell = together(() => {
    say({ report: "timeline", room, root, at_start: timeline.isAtStart, items: list.map(itemLine) });
  });
  for await (const diff of timeline) {
    applyDiff(diff, list);
    tell();
  }
}

async function watchNews(of: Client): Promise<void> {
  for await (const { room, seq } of notifications(of)) say({ report: "news", room: room.id, seq });
}

// Commands.

const there = (): Client => {
  if (!client) throw new ParlourError("closed");
  return client;
};
const roomOf = ({ room }: Command) => there().room(room);
const timelineOf = ({ room, root = 0 }: Command) => timelines.get(`${room} ${root}`);

const commands: Record<string, (command: Command, signal: AbortSignal) => Promise<Answer> | Answer> = {
  async connect({ url, cache: which = "new", focus = "all" }) {
    if (which === "new") cache = new MemoryCache();
    const socket = { webSocket: WebSocket as never };
    client = await Client.start({ url, token, cache, focus, agent: "conformance", ...socket });
    watchState(client);
    void watchRooms(client);
    return {};
  },
  async close() {
    timelines.clear();
    await there().disconnect();
    client = undefined;
    return {};
  },
  async open(command) {
    const { room, root = 0 } = command;
    const place = root === 0 ? roomOf(command) : roomOf(command).thread(root);
    const timeline = await place.timeline();
    timelines.set(`${room} ${root}`, timeline);
    void watchTimeline(timeline, room, root);
    return {};
  },
  shut(command) {
    timelineOf(command)?.close();
    timelines.delete(`${command.room} ${command.root ?? 0}`);
    return {};
  },
  async older(command) {
    return { more: await timelineOf(command)?.loadOlder(command.limit) };
  },
  async send(command, signal) {
    const { text, reply_to: replyTo, root: threadRoot, mentions = [], everyone = false } = command;
    const attachments = (command.files ?? []).flatMap(({ hash }) => uploaded.get(hash) ?? []);
    const draft = { text, mentions, mentionsEveryone: everyone, replyTo, threadRoot, attachments };
    return { ...(await roomOf(command).send(draft, { signal })) };
  },
  edit: async (command) => ({ ...(await roomOf(command).edit(command.seq, command.text)) }),
  delete: async (command) => ({ ...(await roomOf(command).delete(command.seq)) }),
  async react(command) {
    const { seq, emoji, off } = command;
    return { ...(await (off ? roomOf(command).unreact(seq, emoji) : roomOf(command).react(seq, emoji))) };
  },
  async pin(command) {
    return {
      ...(await (command.off ? roomOf(command).unpin(command.seq) : roomOf(command).pin(command.seq))),
    };
  },
  read(command) {
    roomOf(command).markRead(command.seq);
    return {};
  },
  async unread(command, signal) {
    await roomOf(command).markUnread(command.seq, { signal });
    return {};
  },
  typing(command) {
    roomOf(command).typing(command.active);
    return {};
  },
  notify() {
    void watchNews(there());
    return {};
  },
  presence({ activity }) {
    there().presence.set(activity);
    return {};
  },
  retry(command) {
    roomOf(command).retry(command.ref);
    return {};
  },
  discard(command) {
    roomOf(command).discard(command.ref);
    return {};
  },
  open_direct: async ({ subject }, signal) => ({
    room: (await there().openDirect({ subject }, { signal })).id,
  }),
  async create_group({ name, subjects = [] }, signal) {
    const members = subjects.map((subject) => ({ subject }));
    return { room: (await there().createGroup(name, members, { signal })).id };
  },
  async upload({ name, media_type: mediaType, bytes }, signal) {
    const options = { name, signal, ...(mediaType !== undefined && { mediaType }) };
    const file = await upload(there(), new Uint8Array(Buffer.from(bytes, "base64")), options);
    uploaded.set(file.hash, file);
    return { file: { hash: file.hash, size: file.size, name: file.name, media_type: file.mediaType } };
  },
  async download(command, signal) {
    const { room, seq, hash } = command;
    const blob = await download(there(), { room, seq }, { hash } as Attachment, { signal });
    return { bytes: Buffer.from(await blob.arrayBuffer()).toString("base64") };
  },
  async search({ text }, signal) {
    const { hits } = await search(there(), text, { signal });
    return { hits: hits.map(({ message }) => itemLine(message)) };
  },
  cancel({ command }) {
    running.get(command)?.abort();
    return {};
  },
  network_changed() {
    there().networkChanged();
    return {};
  },
  reconnect() {
    there().reconnect();
    return {};
  },
};

function errorLine(error: unknown): object {
  if (error instanceof DOMException && error.name === "AbortError") return { kind: "cancelled" };
  if (!(error instanceof ParlourError)) return { kind: String(error) };
  const { kind, reason, class: of, retry, retryAfterMs } = error;
  return { kind, reason, class: of, retry, ...(retryAfterMs > 0 && { retry_after_ms: retryAfterMs }) };
}

async function obey(command: Command): Promise<void> {
  const { id } = command;
  const abort = new AbortController();
  running.set(id, abort);
  try {
    const known = commands[command.do];
    if (!known) throw new Error(`no command ${command.do}`);
    const { seq, room, more, bytes, hits, file } = (await known(command, abort.signal)) ?? {};
    say({ id, ok: { seq, room, more, bytes, hits, file } });
  } catch (error) {
    say({ id, error: errorLine(error) });
  } finally {
    running.delete(id);
  }
}

say({
  report: "driver",
  name: "TypeScript",
  can: [
    "websocket",
    "any",
    "kept",
    "focused",
    "threads",
    "files",
    "search",
    "typing",
    "notify",
    "presence",
    "network_changed",
    "reconnect",
  ],
});
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const said = JSON.parse(line) as Command | TokenLine;
  if ("to" in said) {
    tokens.get(said.to)?.(said);
    tokens.delete(said.to);
  } else void obey(said);
});
lines.on("close", () => process.exit(0));
