// Says hello to somebody and prints what comes back, until it is interrupted:
//
//     npm run build
//     node examples/hello.mjs http://localhost:8080 "$TOKEN" ben

import { Client } from "@parlour/client";
import WebSocket from "ws";

const [url, token, subject] = process.argv.slice(2);
if (!url || !token || !subject) throw new Error("usage: node hello.mjs URL TOKEN SUBJECT");

const client = await Client.connect({ url, token, webSocket: WebSocket });
process.once("SIGINT", () => client.disconnect());
const room = await client.openDirect({ subject });
await room.send("hello");

const timeline = await room.timeline();
for await (const diff of timeline) {
  if (diff.type !== "insert" || diff.item.type !== "message" || diff.item.isOwn) continue;
  console.log(diff.item.text);
  diff.item.markRead();
}
