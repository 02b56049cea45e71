/** A server, the app in front of it, a browser, and a room of Ada and Ben: what most tests begin with. */

import { join } from "node:path";
import type { RoomId } from "@parlour/client";
import type { Browser } from "playwright-core";
import { browse, type Visit, visit } from "./browser.ts";
import { TestServer } from "./server.ts";
import { Site } from "./site.ts";
import { UdpPath } from "./udp.ts";

const NAMES = { ada: "Ada Lovelace", ben: "Ben Okafor" };

/** All of it. */
export class Stage {
  private constructor(
    readonly server: TestServer,
    readonly site: Site,
    readonly browser: Browser,
    readonly path: UdpPath,
    readonly room: RoomId,
  ) {}

  /** With `atMs`, the server begins at another time; see `TestServer.setTime`. */
  static async set(atMs?: number): Promise<Stage> {
    const server = await TestServer.start("", atMs);
    const site = await Site.start(join(import.meta.dirname, "../../dist"), server.httpPort);
    const path = await UdpPath.start(server.udpPort);
    site.udpPort = path.port;
    const [ada, ben] = [await server.connect("ada", NAMES.ada), await server.connect("ben", NAMES.ben)];
    const { id } = await ada.createGroup("Engine room", [{ subject: "ben" }]);
    await ada.room(id).send("The beginning");
    await ada.disconnect();
    await ben.disconnect();
    return new Stage(server, site, await browse(), path, id);
  }

  token(who: keyof typeof NAMES): string {
    return this.server.token(who, NAMES[who]);
  }

  /** A window of one of the two, in the room. */
  visit(who: keyof typeof NAMES): Promise<Visit> {
    return visit(this.browser, this.site.url, this.token(who), { room: this.room });
  }

  /** What the room has, as the server says it: the texts of all messages, oldest first. */
  async log(): Promise<string[]> {
    const client = await this.server.connect("ben", NAMES.ben);
    const timeline = await client.room(this.room).timeline();
    while (await timeline.loadOlder());
    const texts = timeline.items.flatMap((item) => (item.type === "message" ? [item.text] : []));
    await client.disconnect();
    return texts;
  }

  async clear(): Promise<void> {
    await this.browser.close();
    await this.site.stop();
    this.path.stop();
    await this.server.stop();
  }
}
