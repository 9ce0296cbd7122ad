/**
 * ClusterFixture: nodes of one cluster, as the suites of messenger, membership and broadcast need them.
 *
 * What an implementation can do in a test beyond starting nodes is said when the suite is made: the tests of what it
 * cannot do are then not made at all, so nothing is skipped silently.
 */
import type { Broadcast, Membership, Messenger } from "@foundation/core/ports";
import type { ContractTime } from "../time.js";

export interface ClusterFixtureNode {
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly broadcast: Broadcast;
}

export interface ClusterFixture {
  /** As many as were asked for, all alive and known to each other. */
  readonly nodes: readonly ClusterFixtureNode[];
  readonly time: ContractTime;
  close(): void | Promise<void>;
}

export interface ClusterContractSetup {
  /** Starts nodes and waits until each lists all. */
  create(options: { readonly nodes: number }): ClusterFixture | Promise<ClusterFixture>;
  /** Ends the node as `kill -9` would: no farewell. */
  kill?(fixture: ClusterFixture, index: number): void | Promise<void>;
  /** The node leaves of its own will. */
  leave?(fixture: ClusterFixture, index: number): void | Promise<void>;
  /** The node takes no new work. */
  drain?(fixture: ClusterFixture, index: number): void | Promise<void>;
  /** Starts a node more. */
  add?(fixture: ClusterFixture): ClusterFixtureNode | Promise<ClusterFixtureNode>;
  /** Kills the node and starts it again with the same id and a newer boot. */
  restart?(
    fixture: ClusterFixture,
    index: number,
  ): ClusterFixtureNode | Promise<ClusterFixtureNode>;
  /** Two channels that exist. @default ["data", "events"] */
  readonly channels?: readonly [string, string];
  /** The largest payload. Where given, a larger one must be refused with a FoundationError. */
  readonly messageBytesMax?: number;
}

/** Two nodes of the fixture, for the many tests that need no more. */
export function pairOf(fixture: ClusterFixture): readonly [ClusterFixtureNode, ClusterFixtureNode] {
  const [a, b] = fixture.nodes;
  if (!a || !b) throw new Error("The setup's create() gave fewer nodes than asked for");
  return [a, b];
}
