/** Completing names and emoji: what is offered, and the list that shows it. */

import type { RoomSummary, User, UserId } from "@parlour/client";
import { fieldOf } from "@parlour/client/proto";
import * as rpc from "@parlour/client/rpc";
import { useEffect, useState } from "react";
import { EmojiFace, useOwnEmoji } from "../emoji/own.tsx";
import { useText } from "../i18n/text.ts";
import { useSigned } from "../sdk/context.tsx";
import { usersIn } from "../sdk/users.ts";
import { Avatar } from "../ui/Avatar.tsx";
import type { Trigger } from "./trigger.ts";

const OFFERED_MAX = 8;
const MEMBERS_READ_MAX = 500;

/** Something to put in the place of the word. */
export interface Offer {
  readonly key: string;
  readonly label: string;
  readonly detail: string;
  readonly insert: string;
  readonly emoji?: string;
  readonly user?: UserId;
}

/** What fits the word before the caret. */
export function useOffers(trigger: Trigger | undefined, summary: RoomSummary | undefined): readonly Offer[] {
  const members = useMembers(trigger?.sign === "@" ? summary : undefined);
  const { t } = useText();
  const own = useOwnEmoji();
  const [emoji, setEmoji] = useState<readonly Offer[]>([]);
  const word = trigger?.sign === ":" ? trigger.query : undefined;
  useEffect(() => {
    setEmoji([]);
    if (word === undefined) return undefined;
    let isOver = false;
    void import("../emoji/search.ts").then(({ searchEmoji }) => {
      if (!isOver) setEmoji(searchEmoji(word, OFFERED_MAX).map(emojiOffer));
    });
    return () => {
      isOver = true;
    };
  }, [word]);
  if (trigger?.sign === ":") return [...ownOffers(own, trigger.query), ...emoji].slice(0, OFFERED_MAX);
  if (trigger?.sign !== "@") return [];
  const everyone = {
    key: "everyone",
    label: "@everyone",
    detail: t("mention.everyone"),
    insert: "@everyone ",
  };
  const people = members.filter((user) => fits(user, trigger.query)).map(personOffer);
  const isForAll = summary?.isDirect === false && "everyone".startsWith(trigger.query.toLowerCase());
  return (isForAll ? [...people, everyone] : people).slice(0, OFFERED_MAX);
}

function ownOffers(own: ReadonlyMap<string, unknown>, query: string): Offer[] {
  const wanted = query.toLowerCase();
  const names = [...own.keys()].filter((name) => name.includes(wanted)).sort();
  return names.map((name) => {
    const emoji = `:${name}:`;
    return { key: emoji, label: emoji, detail: "", insert: `${emoji} `, emoji };
  });
}

function emojiOffer({ emoji, names }: { emoji: string; names: readonly string[] }): Offer {
  return { key: emoji, label: `:${names[0]}:`, detail: "", insert: `${emoji} `, emoji };
}

function personOffer({ id, name, profile, subject }: User): Offer {
  return { key: id, label: name, detail: `@${profile.handle ?? subject}`, insert: `@${name} `, user: id };
}

function fits({ name, subject, profile }: User, query: string): boolean {
  const wanted = query.toLocaleLowerCase();
  const words = [name, ...name.split(/\s+/), profile.handle ?? "", subject];
  return words.some((word) => word.toLocaleLowerCase().startsWith(wanted));
}

/** The first members of a room, read when somebody begins to mention. */
function useMembers(summary: RoomSummary | undefined): readonly User[] {
  const { client, people } = useSigned();
  const [read, setRead] = useState<{ room: string; members: readonly User[] }>();
  const id = summary?.id;
  useEffect(() => {
    if (!id) return undefined;
    const ended = new AbortController();
    const request = { room: fieldOf(id), pageSize: MEMBERS_READ_MAX };
    client.call(rpc.ListMembers, request, { signal: ended.signal }).then(
      ({ members }) => {
        const users = usersIn(members);
        people.learn(users);
        setRead({ room: id, members: users.filter((user) => user.id !== client.me) });
      },
      () => undefined,
    );
    return () => ended.abort();
  }, [client, people, id]);
  return read && read.room === id ? read.members : [];
}

interface ListProps {
  id: string;
  offers: readonly Offer[];
  chosen: number;
  onPick: (offer: Offer) => void;
}

/** The list above the field. */
export function OfferList({ id, offers, chosen, onPick }: ListProps) {
  const { t } = useText();
  return (
    <div id={id} className="offers" role="listbox" aria-label={t("composer.offers")}>
      {offers.map((offer, at) => (
        <div
          key={offer.key}
          id={`${id}-${at}`}
          className="offer"
          role="option"
          tabIndex={-1}
          aria-selected={at === chosen}
          onMouseDown={(event) => {
            event.preventDefault();
            onPick(offer);
          }}
        >
          {offer.emoji && (
            <span className="offer-emoji">
              <EmojiFace emoji={offer.emoji} size="1.25rem" />
            </span>
          )}
          {offer.user && <Avatar id={offer.user} size={24} />}
          <bdi className="offer-label">{offer.label}</bdi>
          <bdi className="offer-detail">{offer.detail}</bdi>
        </div>
      ))}
    </div>
  );
}
