/** Starts a server with a lively organization and the built app in front of it, and says where; Ctrl+C ends both. */

import { join } from "node:path";
import { seed } from "./support/seeding.ts";
import { TestServer } from "./support/server.ts";
import { Site } from "./support/site.ts";
import { PEOPLE } from "./support/story.ts";

const server = await TestServer.start();
try {
  const { sent, rooms } = await seed(server);
  const port = Number(process.env.PORT ?? 0);
  const site = await Site.start(join(import.meta.dirname, "../dist"), server.httpPort, { port });
  console.log(`${PEOPLE.length} people, ${rooms.size} rooms, ${sent} messages`);
  for (const { subject, name } of PEOPLE) console.log(`${name}: ${site.url}#token=${server.token(subject)}`);
  await new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
  await site.stop();
} finally {
  await server.stop();
}
