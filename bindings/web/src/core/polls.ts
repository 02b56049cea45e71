/**
 * Polls: what was chosen in one as of an event of its room's log. It is counted on from there, vote by
 * vote.
 */

import type { PollState, PollVoted, Poll as WirePoll } from "../generated/poll/v1/poll.js";
import type { UserId } from "../ids.js";
import { POLL_OPTIONS_MAX, SEQ_MAX } from "../limits.js";
import type { LogEvent } from "./event.js";

/** A poll as a timeline shows it. */
export interface Poll {
  /** What it asks. */
  readonly asked: WirePoll;
  /** What was chosen; absent while that isn't known, as of an old poll without a connection. */
  readonly tally: Tally | undefined;
  /** What the user has chosen, by places from 0, ascending; also what isn't sent yet. */
  readonly own: readonly number[];
  /** Whether somebody has closed it. The time of `asked.closesAtMs` ends it, too. */
  readonly isClosed: boolean;
}

/** What was chosen, the user's own vote included, also one that isn't sent yet. */
export interface Tally {
  /** How many have chosen each option. */
  readonly votes: readonly number[];
  /** How many have chosen anything. */
  readonly voters: number;
  /** Whether there may be more: it is as of some time ago. */
  readonly isOld: boolean;
}

/** What is known of a poll. */
export interface PollRecord {
  /** The message. */
  seq: number;
  /** How many have chosen each option; none where that isn't known. */
  counts: number[];
  /** How many have chosen anything. */
  voters: number;
  /** Whether somebody has closed it. */
  isClosed: boolean;
  /** What the user has chosen, and the vote that says so; 0 for none. */
  own: number[];
  ownSeq: number;
  /** What of the user's is in the counts. */
  counted: number[];
  /** The last event that is in it. */
  asOf: number;
  /** Votes before that may be missing: the server is asked. */
  isStale: boolean;
}

/** A poll of which nothing is known but that something has happened in it. */
export function unknownPoll(seq: number): PollRecord {
  const nothing = { counts: [], voters: 0, isClosed: false, own: [], ownSeq: 0, counted: [], asOf: 0 };
  return { seq, ...nothing, isStale: true };
}

/** A poll that was asked just now. */
export function newPoll(seq: number, options: number): PollRecord {
  const counts = new Array<number>(Math.min(options, POLL_OPTIONS_MAX)).fill(0);
  return { ...unknownPoll(seq), counts, asOf: seq, isStale: false };
}

/** Takes what the server says. Live events may be further than it was when it was asked. */
export function learnPoll(poll: PollRecord, state: PollState): void {
  if (state.changedSeq < poll.asOf) return;
  poll.counts = state.counts.slice(0, POLL_OPTIONS_MAX);
  poll.voters = state.voters;
  poll.isClosed = state.closedSeq > 0;
  poll.asOf = Math.min(state.changedSeq, SEQ_MAX);
  if (state.ownSeq >= poll.ownSeq) {
    poll.own = state.own.slice(0, POLL_OPTIONS_MAX);
    poll.ownSeq = state.ownSeq;
  }
  // The own vote was read a moment later than the counts: which of them it is in isn't said.
  poll.isStale = poll.ownSeq > poll.asOf;
  poll.counted = poll.isStale ? [] : [...poll.own];
}

/** Takes the next vote of the room's log. */
export function countVote(poll: PollRecord, event: LogEvent, vote: PollVoted, me: UserId): void {
  if (event.seq <= poll.asOf) return;
  poll.asOf = event.seq;
  poll.counts = moved(poll.counts, vote.before, vote.choices);
  poll.voters = movedVoters(poll.voters, vote.before, vote.choices);
  if (event.sender === me) learnOwnVote(poll, vote.choices, event.seq);
  else if (event.seq === poll.ownSeq) poll.counted = [...poll.own];
}

/** The user has voted, on whichever device. */
export function learnOwnVote(poll: PollRecord, choices: readonly number[], seq: number): void {
  if (seq < poll.ownSeq) return;
  poll.own = [...choices].sort((a, b) => a - b);
  poll.ownSeq = seq;
  if (seq <= poll.asOf) poll.counted = [...poll.own];
}

/** What was chosen once `own` is the user's choice. */
export function tallyOf(poll: PollRecord, own: readonly number[]): Tally | undefined {
  if (poll.counts.length === 0) return undefined;
  const votes = moved(poll.counts, poll.counted, own);
  return { votes, voters: movedVoters(poll.voters, poll.counted, own), isOld: poll.isStale };
}

function moved(counts: readonly number[], from: readonly number[], to: readonly number[]): number[] {
  return counts.map((count, place) =>
    Math.max(count + Number(to.includes(place)) - Number(from.includes(place)), 0),
  );
}

function movedVoters(voters: number, from: readonly number[], to: readonly number[]): number {
  return Math.max(voters + Number(to.length > 0) - Number(from.length > 0), 0);
}
