/** Polls of the messages shown: what was chosen, and what the user has chosen that the server doesn't have yet. */

import * as Kind from "../../generated/kinds.js";
import type { Poll as WirePoll } from "../../generated/poll/v1/poll.js";
import type { ClientRef } from "../../ids.js";
import { type LogEvent, submessages } from "../event.js";
import { type Poll, type PollRecord, tallyOf, unknownPoll } from "../polls.js";
import { bound, forgetTo } from "./bounded.js";

/** Whether an event is about a poll: what it says is in the poll's record. */
export function isAboutPoll(event: LogEvent): boolean {
  return event.kind === Kind.pollVoted || event.kind === Kind.pollClosed;
}

/** Whether an event is a message that asks something. */
function asks(event: LogEvent): boolean {
  try {
    return event.kind === Kind.messagePosted && submessages(4, event.body).length > 0;
  } catch {
    return false;
  }
}

/** All that is known of polls. */
export class Polls {
  readonly #asking = new Set<number>();
  readonly #known = new Map<number, PollRecord>();
  /** The user's own votes that the server doesn't have yet. */
  readonly #votes = new Map<number, { clientRef: ClientRef; choices: number[] }>();
  /** Polls that the user closes. */
  readonly #closing = new Map<number, ClientRef>();

  /** A message is shown. */
  note(event: LogEvent): void {
    if (asks(event)) this.#asking.add(event.seq);
  }

  /** What is known of a poll. */
  learn(record: PollRecord, max: number): void {
    this.#known.set(record.seq, { ...record });
    bound(this.#known, max);
  }

  /** Polls shown of which the server has to be asked. */
  inDoubt(): number[] {
    return [...this.#asking].filter((seq) => this.#known.get(seq)?.isStale !== false);
  }

  /** The user votes. Of two votes the later one is shown. */
  putVote(target: number, clientRef: ClientRef, choices: readonly number[]): void {
    this.#votes.set(target, { clientRef, choices: [...choices].sort((a, b) => a - b) });
  }

  /** It won't be sent, or it was. */
  dropVote(target: number, clientRef: ClientRef): void {
    if (this.#votes.get(target)?.clientRef === clientRef) this.#votes.delete(target);
  }

  /** The user closes a poll. */
  putClose(target: number, clientRef: ClientRef): void {
    this.#closing.set(target, clientRef);
  }

  /** It won't be sent, or it was. */
  dropClose(target: number, clientRef: ClientRef): void {
    if (this.#closing.get(target) === clientRef) this.#closing.delete(target);
  }

  /** Forgets everything up to this number. */
  forgetTo(seq: number): void {
    forgetTo(this.#asking, seq);
    forgetTo(this.#known, seq);
  }

  /** Nothing is shown any more; what is known stays. */
  startOver(): void {
    this.#asking.clear();
  }

  /** What is to be seen of a message's poll. */
  shown(target: number, asked: WirePoll): Poll {
    const record = this.#known.get(target) ?? unknownPoll(target);
    const own = this.#votes.get(target)?.choices ?? record.own;
    const isClosed = record.isClosed || this.#closing.has(target);
    return { asked, tally: tallyOf(record, own), own, isClosed };
  }
}
