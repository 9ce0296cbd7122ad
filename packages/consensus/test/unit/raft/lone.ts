/**
 * Lone: one member of a group whose others are the test. Writes are durable at once unless the test
 * holds the disk; what an input causes is gathered until nothing more follows.
 */
import type { NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { configurationOf, type Configuration } from "../../../src/protocol/raft/configuration.js";
import { firstEntries, type Entry, type SnapshotMeta } from "../../../src/protocol/raft/entry.js";
import type { Batch, RaftInput, RaftStatus, Write } from "../../../src/protocol/raft/inputs.js";
import type { RaftBody, RaftMessage } from "../../../src/protocol/raft/messages.js";
import type { RaftOptions } from "../../../src/protocol/raft/options.js";
import { Raft } from "../../../src/protocol/raft/raft.js";

export const GROUP = "g";

export function id(i: number): NodeId {
  return i.toString(16).padStart(32, "0") as NodeId;
}

export interface LoneOptions {
  /** Terms of the entries behind the first one, which is the configuration, of term 1. */
  readonly terms?: readonly number[];
  /** @default that of the last entry */
  readonly term?: number;
  readonly vote?: number;
  /** @default 1 */
  readonly commit?: number;
  /** Members 0, 1, …; the one under test is 0. @default 3 */
  readonly voters?: number;
  readonly configuration?: Configuration;
  readonly entries?: readonly Entry[];
  readonly snapshot?: SnapshotMeta;
  readonly staged?: { readonly id: string; readonly offset: number };
  readonly raft?: Pick<RaftOptions, "times" | "limits" | "lease">;
}

type Lists = Pick<
  Batch,
  "messages" | "committed" | "outcomes" | "reads" | "staged" | "chunkRequests" | "notices"
>;
/** Everything that came of an input. */
export type Gathered = { -readonly [Name in keyof Lists]: Lists[Name][number][] } & {
  readonly writes: Write[];
};

export class Lone {
  readonly raft: Raft;
  now = 0;
  /** Writes are not acknowledged while the test says so. */
  isDiskHeld = false;
  /** What is applied is not reported while the test says so. */
  isApplyHeld = false;
  #alarmAt = Number.POSITIVE_INFINITY;
  #open = 0;
  #request = 0;

  constructor(options: LoneOptions = {}) {
    const { terms = [], voters = 3, commit = 1, vote, snapshot, staged } = options;
    const members = Array.from({ length: voters }, (_, i) => id(i));
    const { configuration = configurationOf(members) } = options;
    const entries = options.entries ?? [...firstEntries(configuration), ...commands(2, terms)];
    const { term = entries.at(-1)?.term ?? snapshot?.term ?? 0 } = options;
    const hardState = { term, vote: vote === undefined ? undefined : id(vote), commit };
    this.raft = new Raft({
      id: id(0),
      group: GROUP,
      random: seededRandom(7),
      recovered: { hardState, entries, ...(snapshot && { snapshot }), ...(staged && { staged }) },
      ...options.raft,
    });
    this.input({ type: "start" });
    // What it may have promised before it was started is over.
    this.now = 500;
  }

  get status(): RaftStatus {
    return this.raft.status;
  }

  input(input: RaftInput): Gathered {
    const gathered = nothing();
    this.#gather(this.raft.handle(input, this.now), gathered);
    return gathered;
  }

  receive(from: number, body: RaftBody, term = this.status.term): Gathered {
    const message = { group: GROUP, from: id(from), to: id(0), term, ...body };
    return this.input({ type: "message", message });
  }

  /** Time passes; alarms go off when they are due. */
  advance(ms: number): Gathered {
    const gathered = nothing();
    const end = this.now + ms;
    while (this.#alarmAt <= end) {
      this.now = Math.max(this.now, this.#alarmAt);
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.#gather(this.raft.handle({ type: "alarm" }, this.now), gathered);
    }
    this.now = end;
    return gathered;
  }

  /** The disk has done everything. */
  sync(): Gathered {
    const gathered = nothing();
    this.isDiskHeld = false;
    this.#gather(this.raft.handle({ type: "persisted", write: this.#open }, this.now), gathered);
    return gathered;
  }

  /** Wins an election with the votes of the other members, or of those named. */
  elect(...voters: readonly number[]): Gathered {
    const names = voters.length > 0 ? voters : [1, 2];
    this.input({ type: "campaign" });
    const asked = this.status.term + 1;
    for (const from of names) this.receive(from, { ...reply, isPre: true }, asked);
    const gathered = nothing();
    for (const from of names)
      merge(gathered, this.receive(from, { ...reply, isPre: false }, asked));
    return gathered;
  }

  /** Elected, with its first entry and all before on the others' disks. */
  lead(...followers: readonly number[]): this {
    this.elect(...followers);
    for (const from of followers.length > 0 ? followers : [1, 2]) this.ack(from);
    return this;
  }

  /** A follower has everything, or everything up to `index`. */
  ack(from: number, index = this.lastIndex): Gathered {
    return this.receive(from, { type: "appended", index });
  }

  propose(text = "x"): Gathered {
    const data = new TextEncoder().encode(text);
    return this.input({ type: "propose", id: this.nextRequest(), data });
  }

  nextRequest(): number {
    this.#request += 1;
    return this.#request;
  }

  lastIndex = 0;

  #gather(batch: Batch, into: Gathered): void {
    merge(into, batch);
    const { write, alarmAt, committed } = batch;
    if (alarmAt !== undefined) this.#alarmAt = alarmAt;
    if (write) {
      into.writes.push(write);
      this.#open = write.number;
      this.lastIndex =
        write.append?.entries.at(-1)?.index ?? write.install?.index ?? this.lastIndex;
    }
    const last = committed.at(-1)?.index;
    if (last !== undefined && !this.isApplyHeld) {
      this.#gather(this.raft.handle({ type: "applied", index: last }, this.now), into);
    }
    if (write && !this.isDiskHeld) {
      const input = { type: "persisted", write: write.number } as const;
      this.#gather(this.raft.handle(input, this.now), into);
    }
  }
}

const reply = { type: "vote-reply", isGranted: true } as const;

/** Entries of these terms from `from` on. */
export function commands(from: number, terms: readonly number[]): Entry[] {
  return terms.map((term, i) => {
    const data = new TextEncoder().encode(`${from + i}/${term}`);
    return { type: "command", index: from + i, term, data };
  });
}

/** An append behind (prevIndex, prevTerm), of entries of these terms. */
export function append(
  prevIndex: number,
  prevTerm: number,
  terms: readonly number[] = [],
  commit = 0,
): RaftBody {
  return { type: "append", prevIndex, prevTerm, entries: commands(prevIndex + 1, terms), commit };
}

export function vote(lastIndex: number, lastTerm: number, isPre = false): RaftBody {
  return { type: "vote", isPre, isTransfer: false, lastIndex, lastTerm };
}

/** The messages of a type. */
export function of<T extends RaftMessage["type"]>(
  { messages }: Pick<Gathered, "messages">,
  type: T,
): Extract<RaftMessage, { type: T }>[] {
  return messages.filter((each): each is Extract<RaftMessage, { type: T }> => each.type === type);
}

/** The messages to a member. */
export function to(i: number, { messages }: Pick<Gathered, "messages">): RaftMessage[] {
  return messages.filter((each) => each.to === id(i));
}

function nothing(): Gathered {
  return {
    messages: [],
    committed: [],
    outcomes: [],
    reads: [],
    staged: [],
    chunkRequests: [],
    notices: [],
    writes: [],
  };
}

function merge(into: Gathered, from: Lists): void {
  into.messages.push(...from.messages);
  into.committed.push(...from.committed);
  into.outcomes.push(...from.outcomes);
  into.reads.push(...from.reads);
  into.staged.push(...from.staged);
  into.chunkRequests.push(...from.chunkRequests);
  into.notices.push(...from.notices);
  if ("writes" in from) into.writes.push(...(from as Gathered).writes);
}
