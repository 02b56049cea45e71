import { describe, expect, it } from "vitest";
import type { Init } from "../../codec/message.js";
import * as Kind from "../../generated/kinds.js";
import { MessagePosted } from "../../generated/message/v1/message.js";
import { type PollState, PollVoteCast, PollVoted } from "../../generated/poll/v1/poll.js";
import { GetPolls, ReadTimeline, Vote } from "../../generated/rpc.js";
import { ErrorReason, Retry } from "../../generated/wire/v1/error.js";
import { fieldOf, type UserId } from "../../ids.js";
import type { LogEvent } from "../event.js";
import type { Poll } from "../polls.js";
import { TestClient, wire } from "../testing/client.js";
import { event, ME, ROOM, refusal, YOU } from "../testing/events.js";

const LUNCH = { question: "Lunch?", options: [{ text: "Soup" }, { text: "Bread" }], maxChoices: 1 };

function asked(seq: number): LogEvent {
  return event({ seq, kind: Kind.messagePosted, sender: fieldOf(YOU), msgNo: seq }, MessagePosted, {
    poll: LUNCH,
  });
}

function voted(
  seq: number,
  target: number,
  by: UserId | undefined,
  choices: number[],
  before: number[] = [],
): LogEvent {
  const sender = by ? fieldOf(by) : undefined;
  return event({ seq, kind: Kind.pollVoted, sender, targetSeq: target }, PollVoted, { choices, before });
}

function shown(client: TestClient): Poll {
  const items = client.engine.timeline({ room: ROOM, root: 0 })?.items ?? [];
  const poll = items.flatMap((item) => (item.type === "message" && item.poll ? [item.poll] : []))[0];
  if (!poll) throw new Error("no poll is shown");
  return poll;
}

/** A client that shows a poll, which was asked a moment ago. */
async function showing(): Promise<TestClient> {
  const client = await TestClient.live();
  await client.open();
  client.answerNewest([], 10);
  client.hear(asked(11));
  return client;
}

describe("a poll", () => {
  it("is counted on, vote by vote", async () => {
    const client = await showing();
    client.hear(voted(12, 11, YOU, [0]), voted(13, 11, ME, [0]));
    expect(shown(client)).toMatchObject({ tally: { votes: [2, 0], voters: 2, isOld: false }, own: [0] });
    client.hear(voted(14, 11, YOU, [1], [0]), voted(15, 11, ME, [], [0]));
    expect(shown(client)).toMatchObject({ tally: { votes: [0, 1], voters: 1 }, own: [] });
    expect(client.calls(GetPolls)).toEqual([]);
  });

  it("shows an own vote at once, once, and not any more where it is refused", async () => {
    const client = await showing();
    client.send({ type: "vote", target: 11, choices: [1] });
    expect(shown(client)).toMatchObject({ tally: { votes: [0, 1], voters: 1 }, own: [1] });
    const [call] = client.calls(Vote);
    client.answer(call?.id, Vote, { seq: 12 });
    client.hear(voted(12, 11, ME, [1]));
    expect(shown(client)).toMatchObject({ tally: { votes: [0, 1], voters: 1 }, own: [1] });
    client.send({ type: "vote", target: 11, choices: [0] });
    client.refuse(client.calls(Vote)[0]?.id ?? 0, refusal(ErrorReason.POLL_CLOSED, Retry.NEVER));
    expect(shown(client)).toMatchObject({ tally: { votes: [0, 1] }, own: [1] });
  });

  it("that is anonymous learns of an own vote by the user's own log", async () => {
    const client = await showing();
    client.hear(voted(12, 11, undefined, [0]));
    const cast = { room: fieldOf(ROOM), targetSeq: 11, choices: [0], seq: 12 };
    const told = event({ seq: 1, kind: Kind.pollVoteCast }, PollVoteCast, cast);
    client.engine.handleLive({ type: "user", events: [told] }, client.now);
    expect(shown(client)).toMatchObject({ tally: { votes: [1, 0], voters: 1 }, own: [0] });
  });

  it("is asked for where votes may be missing, and somebody looks", async () => {
    const client = await TestClient.live(100);
    await client.open();
    const [read] = client.reads(ReadTimeline);
    const state: Init<PollState> = { targetSeq: 60, counts: [3, 4], voters: 7, changedSeq: 90 };
    client.item(read?.id ?? 0, ReadTimeline, { events: wire([asked(60)]), polls: [state], asOfSeq: 100 });
    client.end(read?.id ?? 0);
    expect(shown(client).tally).toEqual({ votes: [3, 4], voters: 7, isOld: false });
    client.pulse(900);
    client.answerNewest([asked(860)], 900);
    expect(client.calls(GetPolls)).toEqual([]);
    client.hear(voted(901, 860, YOU, [0]));
    const [call] = client.calls(GetPolls);
    expect(call?.request.targetSeqs).toEqual([860]);
    client.answer(call?.id, GetPolls, {
      polls: [{ targetSeq: 860, counts: [1, 0], voters: 1, changedSeq: 901 }],
    });
    expect(shown(client).tally).toEqual({ votes: [1, 0], voters: 1, isOld: false });
  });
});
