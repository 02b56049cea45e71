/** Whose a session is. */

import type { UserId } from "@parlour/client";
import { usePerson } from "../../sdk/context.tsx";
import { Avatar } from "../../ui/Avatar.tsx";

/** Carriers by the names that they go by. */
export const CARRIERS: Readonly<Record<string, string>> = {
  quic: "QUIC",
  webtransport: "WebTransport",
  websocket: "WebSocket",
};

/** Picture, name and subject. */
export function Who({ user, subject }: { user: UserId | undefined; subject: string }) {
  const person = usePerson(user);
  return (
    <span className="cell-person">
      <Avatar id={user} size={30} />
      <span className="person-names">
        <bdi className="person-name">{person?.name ?? subject}</bdi>
        <bdi className="person-detail">{subject}</bdi>
      </span>
    </span>
  );
}
