/**
 * Topology: which links a node wants, as a strategy over the directory. Everything else of
 * membership (what is known, who lives) is the same under each, so a node may change its topology
 * while it runs.
 *
 * A strategy asks for links through the outbox and is told what became of them. Links that others
 * dialled, or that were opened for traffic, are links like all others: the directory travels and
 * failures are detected on them; but only those that a side wants are kept when nothing uses them.
 */
import type { NodeId } from "@foundation/core";
import type { TopologyName } from "../switching/topologies.js";
import type { Peer } from "./peer.js";

export interface Topology {
  readonly name: TopologyName;
  /** Members may have no link to each other for good. */
  readonly isPartial: boolean;
  /** Where some members are clients of others. */
  readonly clients?: ClientLinks;
  /** It is this node's topology from now on; the links that are up were there before. */
  start(now: number): void;
  /** Another one takes its place. */
  stop(now: number): void;
  /** Links or members changed: asks for the links that are wanted and may be dialled now. */
  plan(now: number): void;
  linkUp(peer: Peer, now: number): void;
  linkDown(peer: Peer, now: number): void;
  /** A dial that was meant for the peer failed. */
  dialFailed(peer: Peer, now: number): void;
  /** The directory says that the peer lives, drains, or does not live any more. */
  livenessChanged(peer: Peer, isLive: boolean, now: number): void;
  /** A message of the topology's own. */
  onMessage(peer: Peer, message: unknown, now: number): void;
  onTimer(timer: string, now: number): void;
  /** The other side's wish to keep the link may be another one: `Peer.wantedThere`. */
  otherSideWants(peer: Peer): void;
  /** A link to the peer is to stay, whether or not anything uses it. */
  wants(peer: Peer): boolean;
  /**
   * How long the topology may take to open a link to the peer by itself, at most; 0: it is not about
   * to. What can wait is spared a dial of its own. Absent: always 0.
   */
  comesWithinMs?(peer: Peer, now: number): number;
}

/** What a topology of clients and servers says of links between clients, for who refuses them. */
export interface ClientLinks {
  /** This node and that one are clients, and this one has a server. */
  areClients(id: NodeId): boolean;
  /** The ways to a member over servers, best first, each as the nodes in between. */
  waysTo(id: NodeId): readonly (readonly NodeId[])[];
}

/** Who is told of neighbours: broadcasts travel from neighbour to neighbour. */
export type OnNeighbour = (id: NodeId, isUp: boolean) => void;
