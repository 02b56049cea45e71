/** A server with more in it than a day's work: many rooms, or a long history. */

import type { Client, RoomId } from "@parlour/client";
import { TestServer } from "../support/server.ts";

const AT_ONCE = 64;
/** Nobody else is there to be protected. */
const WITHOUT_LIMITS = `
[limits]
calls_per_second_per_user = 1000000.0
calls_burst_per_user = 1000000
calls_per_second_per_device = 1000000.0
calls_burst_per_device = 1000000
`;
const TEXTS = [
  "Short.",
  "A **line** with `code`, a [link](https://example.com/some/where) and an emoji 🎉",
  "Two sentences that are long enough to be broken into more than one line on most screens, as it happens. Here is the second one, which says nothing new either.",
  "- one\n- two\n- three",
  "```ts\nconst answer = await client.call(rpc.ListOpenRooms, { pageSize: 100 });\nfor (const { room } of answer.rooms) console.log(room?.name);\n```",
  "> quoted\n\nand answered",
];

/** A server, and the room in it that is looked at. */
export interface Filled {
  readonly server: TestServer;
  readonly room: RoomId;
}

/** Ada is in so many rooms, and one of them has so many messages, of her and Ben. */
export async function fill(rooms: number, messages: number): Promise<Filled> {
  const server = await TestServer.start(WITHOUT_LIMITS);
  const ada = await server.connect("ada", "Ada Lovelace");
  const ben = await server.connect("ben", "Ben Okafor");
  const { id: room } = await ben.createGroup("The long one", [{ subject: "ada" }]);
  await many(rooms - 1, (at) => ben.createGroup(`Room ${at}`, [{ subject: "ada" }]));
  const speakers: Client[] = [ben, ada];
  await ada.synced();
  await many(messages, (at) => {
    const speaker = speakers[Math.floor(at / 3) % speakers.length] ?? ben;
    return speaker.room(room).send(TEXTS[at % TEXTS.length] ?? "");
  });
  await ada.disconnect();
  await ben.disconnect();
  return { server, room };
}

async function many(count: number, make: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < count) await make(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
