/** FoundingState: what a founding knows, what comes in and what goes out, as plain data. */
import type { NodeId } from "@foundation/core";
import type { FoundingMessage, Knowledge, Token } from "./founding-messages.js";
import type { FirstVoter, MembershipRecord } from "./membership-record.js";

/** Where the first voters come from. */
export type FoundingSource =
  /** The names of the first voters, equal on each of them. */
  | { readonly type: "voters"; readonly names: readonly string[] }
  /** Who is first to put its own into the arbiter's place. */
  | { readonly type: "arbiter" }
  /** Others have founded it, or an operator's word will (`found`). */
  | { readonly type: "others" };

export interface FoundingSetup {
  /** What the application calls the group. */
  readonly name: string;
  readonly self: FirstVoter;
  /** Of this start: tokens of an earlier one count no more. */
  readonly boot: string;
  readonly source: FoundingSource;
  /** A random id, for the group that this node would found. Fresh for each start. */
  readonly group: string;
}

/** The last answer of a peer. */
export interface PeerAnswer {
  readonly name: string;
  /** Until an offer has used it. */
  readonly token?: Token;
  readonly knowledge?: Knowledge;
}

export interface FoundingState {
  readonly setup: FoundingSetup;
  /** What is on the disk. */
  readonly record: MembershipRecord | undefined;
  /** What is being written; nothing is decided meanwhile. */
  readonly writing: MembershipRecord | undefined;
  /** Names of the first voters, sorted, when this node knows them. */
  readonly names: readonly string[] | undefined;
  /** The newest token, and whose it is. */
  readonly given: { readonly to: NodeId; readonly count: number } | undefined;
  readonly tokens: number;
  /** Whom to ask: nodes that run, without this one. */
  readonly peers: readonly NodeId[];
  readonly answers: Readonly<Partial<Record<NodeId, PeerAnswer>>>;
  /** First voters of `record` that are known to have accepted. */
  readonly accepted: readonly NodeId[];
  /** Members of the group now, once this one has begun. */
  readonly members: readonly NodeId[];
  /** Rounds of questions so far. */
  readonly rounds: number;
  /** Why an offer was refused, in words. */
  readonly refused: string | undefined;
}

export type FoundingInput =
  /** Nodes that run; those that first voters may be among come first. */
  | { readonly type: "peers"; readonly peers: readonly NodeId[] }
  /** Time to ask. The first one comes at once. */
  | { readonly type: "tick" }
  | { readonly type: "message"; readonly from: NodeId; readonly message: FoundingMessage }
  /** The record is durable. */
  | { readonly type: "persisted" }
  /** The log is there. */
  | { readonly type: "begun" }
  /** The group's configuration, of a member that has begun. */
  | { readonly type: "members"; readonly members: readonly NodeId[] }
  /** An operator's word; see `foundingRefusal`. */
  | { readonly type: "found"; readonly names: readonly string[] }
  /** What stands in the arbiter's place. */
  | { readonly type: "verdict"; readonly winner: Verdict };

export interface Verdict {
  readonly group: string;
  readonly voters: readonly FirstVoter[];
}

export interface FoundingStep {
  readonly state: FoundingState;
  readonly sends: readonly { readonly to: NodeId; readonly message: FoundingMessage }[];
  /** To be written; `persisted` follows, and nothing else is written before. */
  readonly write?: MembershipRecord;
  /** To be put into the arbiter's place if nothing is there; `verdict` follows. */
  readonly consult?: Verdict;
}

/** The state of a start: `record` is what the disk holds. */
export function foundingOf(
  setup: FoundingSetup,
  record: MembershipRecord | undefined,
): FoundingState {
  const { source } = setup;
  return {
    setup,
    record,
    writing: undefined,
    names: source.type === "voters" ? [...source.names].sort() : undefined,
    given: undefined,
    tokens: 0,
    peers: [],
    answers: {},
    accepted: record ? [setup.self.id] : [],
    members: [],
    rounds: 0,
    refused: undefined,
  };
}
