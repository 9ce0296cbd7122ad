/** Seat: this node's place in the cluster's consensus group, whatever it is: a voter, a client, the one voter of a laptop. */
import type { FoundingStanding } from "@foundation/consensus";
import type { Engine } from "@foundation/consensus/recipes";
import type { NodeId } from "@foundation/core";

/** The group's name in every cluster: a cluster has one. */
export const GROUP = "cluster";

export interface Seat {
  /** The store of the group, as this node reaches it now. */
  engine(): Engine;
  /** What is to be said of it, as plain data. */
  report(): SeatReport;
  /**
   * An operator's word: found the group with these first voters.
   * @throws {ERR_FOUNDING_REFUSED} nothing was changed.
   */
  found(names: readonly string[]): void;
  /** Takes part no more. Idempotent. */
  close(): Promise<void>;
}

export interface SeatReport {
  /** `client`: it keeps nothing. `candidate`: it has a disk for the group. `folder`: as all processes of this machine. */
  readonly seat: "client" | "candidate" | "folder";
  /** How far a candidate has come in finding its group. */
  readonly standing?: FoundingStanding["type"];
  /** The group's random id, once it is known. */
  readonly group?: string;
  /** Names of its first voters. */
  readonly firstVoters?: readonly string[];
  /** What is waited for, or what somebody must do. */
  readonly why?: string;
  /** This node's member of the group. */
  readonly member?: MemberReport;
  /** What the leader does about the voters. */
  readonly keeping?: string;
}

export interface MemberReport {
  readonly role: string;
  readonly term: number;
  readonly leader: NodeId | undefined;
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly appliedIndex: number;
  readonly failure?: string;
}
