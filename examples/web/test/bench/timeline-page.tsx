/** The app's own timeline over messages that are made up here; `run.ts` scrolls it and counts frames. */

import type { Client, Message, Room, TimelineItem, User, UserId } from "@parlour/client";
import { ObservableValue } from "@parlour/client";
import type { Users } from "@parlour/client/people";
import { createRoot } from "react-dom/client";
import { SignedProvider } from "../../src/sdk/context.tsx";
import type { TimelineSource } from "../../src/sdk/timeline.ts";
import type { Session } from "../../src/session/session.ts";
import { type Scope, ScopeProvider } from "../../src/timeline/scope.tsx";
import { TimelineView } from "../../src/timeline/TimelineView.tsx";
import "../../src/styles/index.css";

const COUNT = 100_000;
const NAMES = ["Ada Lovelace", "Grace Hopper", "Katherine Johnson", "Mary Jackson", "Hedy Lamarr"];
const TEXTS = [
  "Short.",
  "A **line** with `code`, a [link](https://example.com/some/where) and an emoji 🎉",
  "Two sentences that are long enough to be broken into more than one line on most screens, as it happens. Here is the second one, which says nothing new either.",
  "- one\n- two\n- three",
  "```ts\nconst answer = await client.call(rpc.ListOpenRooms, { pageSize: 100 });\nfor (const { room } of answer.rooms) console.log(room?.name);\n```",
  "> quoted\n\nand answered",
];

function message(seq: number): Message {
  const sender = `user-${Math.floor(seq / 3) % NAMES.length}`;
  const reactions = seq % 7 === 0 ? [{ emoji: "👍", users: ["user-0", "user-1"] }] : [];
  const thread = seq % 23 === 0 ? { replies: 4, lastSeq: seq, lastAtMs: Date.now() } : undefined;
  return {
    type: "message",
    place: { in: "log", number: seq },
    key: `m${seq}`,
    seq,
    sender,
    isOwn: false,
    atMs: Date.now() - (COUNT - seq) * 60_000,
    text: TEXTS[seq % TEXTS.length],
    mentions: [],
    attachments: [],
    linkPreviews: [],
    reactions,
    thread,
    isDeleted: false,
    isEdited: seq % 31 === 0,
    delivery: { state: "sent" },
  } as unknown as Message;
}

class Source implements TimelineSource {
  items: readonly TimelineItem[] = Array.from({ length: COUNT }, (_, at) => message(at + 1));
  readonly isAtStart = true;
  private readonly listeners = new Set<() => void>();

  subscribe = (onChange: () => void) => {
    this.listeners.add(onChange);
    return () => this.listeners.delete(onChange);
  };

  async loadOlder(): Promise<boolean> {
    return false;
  }

  append(): void {
    this.items = [...this.items, message(this.items.length + 1)];
    for (const listener of this.listeners) listener();
  }
}

const source = new Source();
const users = new Map(
  NAMES.map((name, at) => [
    `user-${at}`,
    { id: `user-${at}`, name, kind: 1, profile: {} } as unknown as User,
  ]),
);
const people = {
  subscribe: () => () => undefined,
  get: (id: UserId) => users.get(id),
  want: () => undefined,
};
const state = new ObservableValue({ type: "live", carrier: "websocket" });
const presence = { people: new ObservableValue(new Map()), watch: () => () => undefined };
const client = { state, presence, me: "user-9", rooms: state } as unknown as Client;
const scope = {
  room: { id: "room", client } as unknown as Room,
  root: undefined,
  editing: undefined,
} as unknown as Scope;

const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));

/** How long each of so many frames takes, with something done before each. */
async function frames(count: number, act: () => void): Promise<number[]> {
  const took: number[] = [];
  let last = await frame();
  for (let at = 0; at < count; at++) {
    act();
    const now = await frame();
    took.push(now - last);
    last = now;
  }
  return took;
}

const list = () => document.querySelector(".timeline") as HTMLElement;
const scroll = (step: number) =>
  frames(240, () => {
    list().scrollTop -= step;
  });
const append = async () => {
  list().scrollTop = list().scrollHeight;
  await frames(20, () => undefined);
  return frames(120, () => source.append());
};

Object.assign(globalThis, { bench: { scroll, append } });

const session: Session = {
  url: location.origin,
  cacheName: "bench",
  subject: "bench",
  token: "",
  signOut: async () => undefined,
  end: async () => undefined,
};
const signed = { client, people: people as unknown as Users, session, signOut: () => undefined };

const place = document.getElementById("root");
if (place) {
  createRoot(place).render(
    <SignedProvider value={signed}>
      <ScopeProvider value={scope}>
        <div style={{ display: "flex", blockSize: "100vh" }}>
          <div className="pane" style={{ flex: 1 }}>
            <TimelineView
              source={source}
              label="bench"
              readSeq={undefined}
              target={undefined}
              start={<p>The beginning</p>}
              onAtEnd={() => undefined}
            />
          </div>
        </div>
      </ScopeProvider>
    </SignedProvider>,
  );
}
