/** The desk of each conversation; files go on when the user looks elsewhere meanwhile. */

import type { Client, Room } from "@parlour/client";
import { upload } from "@parlour/client/files";
import * as rpc from "@parlour/client/rpc";
import { useMemo, useSyncExternalStore } from "react";
import { blobUrls } from "../sdk/blob-urls.ts";
import { Desk, type DeskState } from "./desk.ts";
import { kindOf } from "./measures.ts";

/** A file that needn't be tried: it is empty, or larger than the server takes. */
export class Unfit extends Error {
  constructor(
    readonly why: "empty" | "too-large",
    readonly sizeMax: number,
  ) {
    super(why);
  }
}

const desks = new WeakMap<Client, Map<string, Desk>>();
const busy = new Set<Desk>();
const policies = new WeakMap<Client, Promise<number>>();

/** The desk of a room, or of a thread of it. */
export function deskOf(room: Room, root: number | undefined): Desk {
  const all = desks.get(room.client) ?? new Map<string, Desk>();
  desks.set(room.client, all);
  const key = `${room.id} ${root ?? ""}`;
  const known = all.get(key);
  if (known) return known;
  const desk = make(room);
  desk.subscribe(() => (desk.isBusy ? busy.add(desk) : busy.delete(desk)));
  all.set(key, desk);
  return desk;
}

function make(room: Room): Desk {
  const { client } = room;
  return new Desk({
    upload: async (file, { signal, isVoice, onProgress }) => {
      if (file.size === 0) throw new Unfit("empty", 0);
      const sizeMax = await sizeMaxOf(client);
      if (file.size > sizeMax) throw new Unfit("too-large", sizeMax);
      const attachment = await upload(client, file, { signal, isVoice, onProgress, name: nameOf(file) });
      // The sender needn't fetch what they have sent.
      if (kindOf(attachment) === "picture") {
        const urls = blobUrls(client);
        for (const variant of ["preview", "whole"]) urls.put(`${variant} ${attachment.hash}`, file);
      }
      return attachment;
    },
    send: async (draft) => {
      const { sent } = await room.queue(draft);
      // What becomes of it stands in the timeline.
      void sent.catch(() => undefined);
    },
    now: () => Date.now(),
    key: () => crypto.randomUUID(),
  });
}

/** The largest file that the server takes; none is too large where it can't be asked. */
function sizeMaxOf(client: Client): Promise<number> {
  const known = policies.get(client);
  if (known) return known;
  const asked = client.call(rpc.GetUploadPolicy, {}).then(
    ({ sizeMax }) => sizeMax,
    () => {
      policies.delete(client);
      return Number.POSITIVE_INFINITY;
    },
  );
  policies.set(client, asked);
  return asked;
}

/** A name as the server takes it: pasted pictures all have the same, and some have slashes. */
function nameOf(file: File): string {
  const name = file.name.replace(/[/\\\0]/g, "_");
  let end = name.length;
  while (new TextEncoder().encode(name.slice(0, end)).length > 255) end -= 1;
  return name.slice(0, end);
}

/** What lies on a desk, drawn anew when it changes. */
export function useDesk(room: Room, root: number | undefined): { desk: Desk; state: DeskState } {
  const desk = useMemo(() => deskOf(room, root), [room, root]);
  const state = useSyncExternalStore(desk.subscribe, () => desk.current);
  return { desk, state };
}

addEventListener("beforeunload", (event) => {
  if (busy.size > 0) event.preventDefault();
});
