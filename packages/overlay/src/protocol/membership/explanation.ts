/** What this node knows of another one and its link to it, for whoever asks why. */
import type { Boot, MemberStatus, NodeId } from "@foundation/core";
import type { TopologyName } from "../switching/topologies.js";
import type { Peer } from "./peer.js";
import type { MembershipState } from "./state.js";

export interface PeerExplanation {
  readonly id: NodeId;
  /** What the directory says; undefined: this node has never heard of it. */
  readonly status: MemberStatus | undefined;
  readonly boot: Boot | undefined;
  readonly incarnation: number | undefined;
  readonly address: string | undefined;
  readonly topology: TopologyName;
  /** A link is up, is being dialled, or neither. */
  readonly link: "up" | "dialling" | "none";
  /** Broadcasts pass between the two. */
  readonly isNeighbour: boolean;
  /** Which side's topology wants the link to stay though nothing uses it. */
  readonly wantedBy: "both" | "this-node" | "that-node" | "nobody";
  /** Since its last frame, in milliseconds; undefined: none ever came. */
  readonly heardMsAgo: number | undefined;
  /** Smoothed, of the failure detector's probes, in milliseconds. */
  readonly roundTripMs: number | undefined;
  /** Who suspects it. */
  readonly suspectedBy: readonly NodeId[];
  /** All of it in a sentence. */
  readonly why: string;
}

export function explain(
  state: MembershipState,
  topology: TopologyName,
  id: NodeId,
  now: number,
): PeerExplanation {
  const entry = state.directory.get(id);
  const peer = state.peers.get(id);
  const heardAt = peer === undefined ? Number.NEGATIVE_INFINITY : state.heardAt(peer);
  const link = peer?.link ? "up" : peer && state.lists.dialling.has(peer) ? "dialling" : "none";
  const facts = {
    id,
    status: entry?.status,
    boot: entry?.boot,
    incarnation: entry?.incarnation,
    address: entry?.address,
    topology,
    link,
    isNeighbour: peer?.isNeighbour === true,
    wantedBy: wantedBy(peer),
    heardMsAgo: Number.isFinite(heardAt) ? Math.round(now - heardAt) : undefined,
    roundTripMs: peer?.srttMs,
    suspectedBy: [...(peer?.suspicion?.confirmers ?? [])],
  } as const;
  return { ...facts, why: sentence(facts, id === state.self.id) };
}

function wantedBy(peer: Peer | undefined): PeerExplanation["wantedBy"] {
  if (!peer?.link) return "nobody";
  if (peer.wantedHere) return peer.wantedThere ? "both" : "this-node";
  return peer.wantedThere ? "that-node" : "nobody";
}

function sentence(facts: Omit<PeerExplanation, "why">, isSelf: boolean): string {
  const { status, topology, link, isNeighbour, wantedBy: by } = facts;
  if (isSelf) return "It is this node.";
  if (status === undefined) return "Nobody has told this node of it.";
  if (status === "down")
    return "The failure detector gave it up; its address is tried now and then.";
  if (status === "left") return "It has left of its own will.";
  const suspected = status === "suspect" ? " It is suspected, and may refute that." : "";
  if (link === "dialling") return `Its address is being dialled.${suspected}`;
  if (link === "none") {
    const reason =
      topology === "full-mesh"
        ? "it could not be reached so far, and is dialled again"
        : `${topology} needs no link to it; a message to it opens one`;
    return `There is no link: ${reason}.${suspected}`;
  }
  if (isNeighbour) return `It is a neighbour under ${topology}: broadcasts pass here.${suspected}`;
  const until = by === "nobody" ? "is closed when nothing has used it for a while" : "stays";
  return `There is a link that ${topology} of this node has not asked for; it ${until}.${suspected}`;
}
