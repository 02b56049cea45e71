// A client in a worker: sends one message to itself and says what it saw.

import { Client } from "../../src/index.js";

addEventListener("message", async ({ data }: MessageEvent<{ url: string; token: string }>) => {
  const client = await Client.connect(data);
  const room = await client.createGroup("worker");
  const { seq } = await room.send("from a worker");
  postMessage({ seq, state: client.state.current });
  await client.disconnect();
});
