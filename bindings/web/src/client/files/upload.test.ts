import { expect, test } from "vitest";
import type { Client } from "../client.js";
import { upload } from "./upload.js";

test("a file of no bytes is refused before anything is asked", async () => {
  // A client that can do nothing: whatever was asked of it would fail otherwise.
  const client = {} as Client;
  await expect(upload(client, new Uint8Array())).rejects.toMatchObject({ kind: "empty" });
  await expect(upload(client, new File([], "nothing.txt"))).rejects.toMatchObject({ kind: "empty" });
});
