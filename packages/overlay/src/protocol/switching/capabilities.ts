/**
 * Capabilities: what each topology can do, and honestly cannot, as data.
 *
 * For a public `capabilities` getter and for typed refusals: what a topology does not do is said
 * with a reason and a way out, and never found out by a call that does nothing. The directory of
 * members is the same in all of them, so all list all, and messages and broadcasts reach everybody;
 * what differs is which links there are.
 */
import { hyparviewLimits } from "../hyparview/limits.js";
import { membershipLimits } from "../membership/limits.js";
import type { TopologyName } from "./topologies.js";

/** What an application can ask for, or has to know. */
export const topologyFeatures = [
  /** Every node lists every member. */
  "list-all",
  /** A message from any member to any other. */
  "unicast",
  /** A broadcast to all members. */
  "broadcast",
  /** On monotonic channels a broadcast that waits to be sent is replaced by a newer one of its subject. */
  "newest-broadcasts",
  /** Channels, lanes, RPC and streams between any two members. */
  "channels",
  /** A link to each member, there before the first message. */
  "links-to-all",
  /** A link between any two members, opened when it is wanted. */
  "link-on-demand",
  /** Links change now and then, so that no group of members is linked only among itself. */
  "link-rotation",
  /** Links are chosen by their measured round trip. */
  "link-optimisation",
  /** Members with the role "server" carry the messages of others. */
  "server-role",
  /** No member has more links or carries more for others than any other. */
  "equal-load",
] as const;

export type TopologyFeature = (typeof topologyFeatures)[number];

/** A feature that a topology lacks. */
export interface Lack {
  /** Why it is so, as a sentence. */
  readonly why: string;
  /** What to do instead, as a sentence. */
  readonly instead: string;
}

export interface TopologyCapabilities {
  readonly topology: TopologyName;
  /** Members for which it is meant: `auto` leaves it somewhat above. */
  readonly membersAdvised: number;
  /** Members that are possible: the directory's limit. */
  readonly membersMax: number;
  /**
   * How a message first tries to reach a member: by the link that is always there, or by a link opened
   * for it; or, between clients that are not linked, over their servers.
   */
  readonly unicast: "linked" | "dialled" | "relayed";
  readonly lacks: Readonly<Partial<Record<TopologyFeature, Lack>>>;
}

/** How many links a node is meant to have, by what it is. */
export interface LinkCounts {
  readonly client: number;
  readonly server: number;
}

const { membersMax } = membershipLimits;
const { activeMax } = hyparviewLimits;
/** The primary and the standby. */
const serversOfClient = 2;

const noServers: Lack = {
  why: "All members are alike in this topology, so the role is shown to others and has no effect.",
  instead: 'Switch to "client-server", or give the members labels and choose by them.',
};

const allBroadcasts: Lack = {
  why: "Broadcasts pass from member to member, in the order of their origin: none is replaced.",
  instead: 'Send the values to those who need them, or switch to "full-mesh": there they are.',
};

/** All topologies with what they do and do not. */
export const capabilities: Readonly<Record<TopologyName, TopologyCapabilities>> = {
  "full-mesh": {
    topology: "full-mesh",
    membersAdvised: 100,
    membersMax,
    unicast: "linked",
    lacks: {
      "link-rotation": {
        why: "Every member is linked to every other one, so there is nothing to rotate.",
        instead: "Nothing is needed: no group can be linked only among itself.",
      },
      "link-optimisation": {
        why: "Every member is linked to every other one, so there is nothing to choose.",
        instead: "Nothing is needed: each message takes the shortest way.",
      },
      "server-role": noServers,
    },
  },
  hyparview: {
    topology: "hyparview",
    membersAdvised: 1_000,
    membersMax,
    unicast: "dialled",
    lacks: {
      "newest-broadcasts": allBroadcasts,
      "links-to-all": {
        why: `A member keeps ${activeMax} links; others are opened when a message needs them.`,
        instead: 'Accept a dial before the first message, or switch to "full-mesh".',
      },
      "server-role": noServers,
    },
  },
  "client-server": {
    topology: "client-server",
    membersAdvised: membersMax,
    membersMax,
    unicast: "dialled",
    lacks: {
      "newest-broadcasts": allBroadcasts,
      "links-to-all": {
        why: "A client keeps two links, to its server and to its standby.",
        instead: 'Accept a dial before the first message, or switch to "full-mesh".',
      },
      "link-rotation": {
        why: "Who is linked to whom follows from the members, and changes with them only.",
        instead: 'Nothing is needed: all servers are linked; or switch to "hyparview".',
      },
      "link-optimisation": {
        why: "A client's server follows from the ids, so that everybody can tell where it is found.",
        instead: 'Give the role "server" to members near to their clients, or use "hyparview".',
      },
      "equal-load": {
        why: "Servers carry the messages of their clients and have a link to each of them.",
        instead: 'Give the role "server" to strong machines, or switch to "hyparview".',
      },
    },
  },
};

/** What clients do with links to clients: see `OverlayOptions.clientLinks`. */
export const clientLinkModes = ["on-demand", "refused"] as const;
export type ClientLinkMode = (typeof clientLinkModes)[number];

const clientsRefuse: Lack = {
  why: "Clients refuse links to clients in this cluster; what they send to each other passes over their servers.",
  instead: 'Set clientLinks to "on-demand" on all nodes, or give one of the two the role "server".',
};

/** What a topology does where clients are set to do so with links to clients. */
export function capabilitiesOf(
  topology: TopologyName,
  clientLinks: ClientLinkMode = "on-demand",
): TopologyCapabilities {
  const known = capabilities[topology];
  if (topology !== "client-server" || clientLinks === "on-demand") return known;
  return {
    ...known,
    unicast: "relayed",
    lacks: { ...known.lacks, "link-on-demand": clientsRefuse },
  };
}

/** Why a topology lacks a feature; undefined when it has it. */
export function lackOf(topology: TopologyName, feature: TopologyFeature): Lack | undefined {
  return capabilities[topology].lacks[feature];
}

/** True when the topology has the feature. */
export function supports(topology: TopologyName, feature: TopologyFeature): boolean {
  return lackOf(topology, feature) === undefined;
}

/** The features of a topology, in the order of `topologyFeatures`. */
export function featuresOf(topology: TopologyName): readonly TopologyFeature[] {
  return topologyFeatures.filter((feature) => supports(topology, feature));
}

/**
 * The links a node keeps in a cluster of that many members and, of them, servers. Of servers it is
 * the average: one of them may have a quarter more primaries.
 */
export function linksPerNode(topology: TopologyName, members: number, servers: number): LinkCounts {
  const others = Math.max(0, members - 1);
  switch (topology) {
    case "full-mesh":
      return { client: others, server: others };
    case "hyparview":
      return { client: Math.min(activeMax, others), server: Math.min(activeMax, others) };
    case "client-server": {
      const perClient = Math.min(serversOfClient, servers);
      const clientLinks = Math.max(0, members - servers) * perClient;
      const perServer = servers === 0 ? 0 : Math.ceil(clientLinks / servers);
      return { client: perClient, server: Math.max(0, servers - 1) + perServer };
    }
    default:
      return topology satisfies never;
  }
}
