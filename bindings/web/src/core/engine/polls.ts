/**
 * Polls: what was chosen is learned with pages of history and counted on from there with what is heard. Where
 * something may be missing, and somebody looks, the server is asked.
 */

import { decode } from "../../codec/message.js";
import type { RoomEventBody } from "../../generated/events.js";
import { GetPollsResponse, type PollState, type PollVoteCast } from "../../generated/poll/v1/poll.js";
import { GetPolls } from "../../generated/rpc.js";
import { fieldOf, idOf, type RoomId, type UserId } from "../../ids.js";
import { POLLS_PER_CALL_MAX, POLLS_PER_ROOM_MAX } from "../../limits.js";
import type { CallResult } from "../connection.js";
import type { LogEvent } from "../event.js";
import type { Entry } from "../outbox.js";
import { countVote, learnOwnVote, learnPoll, newPoll, type PollRecord, unknownPoll } from "../polls.js";
import type { Core } from "./core.js";

/** What the server says of some polls. */
export function learnPolls(core: Core, room: RoomId, states: readonly PollState[]): void {
  for (const state of states) changePoll(core, room, state.targetSeq, (poll) => learnPoll(poll, state));
}

/** The next event of a room's log. */
export function learnFromPoll(
  core: Core,
  room: RoomId,
  event: LogEvent,
  body: RoomEventBody,
  me: UserId,
): void {
  const target = event.header.targetSeq;
  if (body.case === "messagePosted" && body.value.poll && !event.isErased) {
    const made = newPoll(event.seq, body.value.poll.options.length);
    changePoll(core, room, event.seq, (poll) => Object.assign(poll, made));
  } else if (body.case === "pollVoted") {
    changePoll(core, room, target, (poll) => countVote(poll, event, body.value, me));
    askPolls(core, room);
  } else if (body.case === "pollClosed") {
    changePoll(core, room, target, (poll) => {
      poll.isClosed = true;
      poll.asOf = Math.max(poll.asOf, event.seq);
    });
  } else if (event.deleted.length > 0) {
    const record = core.rooms.entry(room);
    record.polls = record.polls.filter((poll) => !event.deleted.includes(poll.seq));
  }
}

/** The user has voted on one of their devices, where the vote itself doesn't say so. */
export function learnVoteCast(core: Core, cast: PollVoteCast): void {
  const room = idOf(cast.room);
  const isKnown = room && core.rooms.get(room)?.polls.some((poll) => poll.seq === cast.targetSeq);
  if (isKnown) changePoll(core, room, cast.targetSeq, (poll) => learnOwnVote(poll, cast.choices, cast.seq));
}

/** The server has a vote, or a poll's end, at `seq`. */
export function settlePoll(core: Core, { room, payload }: Entry, seq: number): void {
  if (payload.type === "vote" && seq > 0) {
    changePoll(core, room, payload.target, (poll) => learnOwnVote(poll, payload.choices, seq));
  } else if (payload.type === "close-poll") {
    changePoll(core, room, payload.target, (poll) => {
      poll.isClosed = true;
    });
  }
}

/** The room's log was left for a while: votes may be missing. */
export function doubtPolls(core: Core, room: RoomId): void {
  const { polls } = core.rooms.entry(room);
  for (const poll of polls) poll.isStale = true;
  for (const timeline of core.timelinesOf(room)) timeline.handlePolls(polls);
}

/** Of more than a room keeps, the one that nothing has happened in for longest is forgotten. */
function changePoll(core: Core, room: RoomId, seq: number, change: (poll: PollRecord) => void): void {
  const record = core.rooms.get(room);
  if (!record) return;
  let poll = record.polls.find((one) => one.seq === seq);
  if (!poll) {
    poll = unknownPoll(seq);
    record.polls.push(poll);
  }
  change(poll);
  if (record.polls.length > POLLS_PER_ROOM_MAX) {
    const oldest = Math.min(...record.polls.map((one) => one.asOf));
    record.polls = record.polls.filter((one) => one.asOf !== oldest);
  }
  core.changedRooms.add(room);
  for (const timeline of core.timelinesOf(room)) timeline.handlePolls([poll]);
}

/** Asks for the polls that are shown and not known as they are. */
export function askPolls(core: Core, room: RoomId): void {
  const key = `polls:${room}`;
  if (!core.session || core.isCalling(key)) return;
  const inDoubt = new Set(core.timelinesOf(room).flatMap((timeline) => timeline.pollsInDoubt()));
  // The newest are looked at.
  const targetSeqs = [...inDoubt].sort((a, b) => b - a).slice(0, POLLS_PER_CALL_MAX);
  if (targetSeqs.length === 0) return;
  core.call(key, GetPolls, { room: fieldOf(room), targetSeqs }, (result) => handlePolls(core, room, result));
}

function handlePolls(core: Core, room: RoomId, result: CallResult): void {
  if (!result.ok) return;
  const { polls } = decode(GetPollsResponse, result.body);
  learnPolls(core, room, polls);
  // What was heard meanwhile may be further than what was read.
  const answered = new Set(polls.map((state) => state.targetSeq));
  if (core.rooms.get(room)?.polls.some((poll) => poll.isStale && answered.has(poll.seq)))
    askPolls(core, room);
}
