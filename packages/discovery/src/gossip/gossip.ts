/**
 * gossip: nodes of one network tell each other where they are, by multicast or broadcast, sealed with the cluster's
 * secret.
 *
 * What libcluster's Gossip does, with what it lacks: nobody without the secret reads, forges or repeats anything, two
 * secrets work while one is exchanged for the other, and a node that leaves says so.
 */
import { isIP } from "node:net";
import {
  invalidArgument,
  parseDuration,
  type DiscoveryStrategy,
  type Duration,
  type SecretSource,
} from "@foundation/core";
import { checkedSecret, secretReader } from "../lan/secrets.js";
import { gossipLimits } from "../protocol/gossip/limits.js";
import type { GossipSettings } from "./gossip-discovery.js";

/** Options of `gossip`. All nodes of a cluster need the same address and port. */
export interface GossipOptions {
  /**
   * The group to meet in: an IPv4 multicast address, an IPv6 one, or one of each.
   * @default ["239.255.70.78", "ff12::466f:756e"]
   */
  readonly multicastAddress?: string | readonly string[];
  /** Routers a datagram may pass, 1 to 255. 1: it stays in this network. @default 1 */
  readonly multicastTtl?: number;
  /** The UDP port to meet on. Several processes of a machine share it. @default 45892 */
  readonly port?: number;
  /** Names (`eth0`) or addresses of the interfaces to use. @default all that lead out of the machine, else loopback */
  readonly interfaces?: readonly string[];
  /**
   * Send to the broadcast address of each IPv4 network and not to its group: for networks that filter multicast.
   * All nodes have to agree. @default false
   */
  readonly broadcast?: boolean;
  /**
   * One secret, several or a key ring: the first seals, each opens, so one can be exchanged for another without a stop.
   * @default the cluster's (`security.secret`, FOUNDATION_SECRET)
   */
  readonly secret?: SecretSource;
  /**
   * How often a node says that it is there, 200 ms to 60 s; with more than 100 nodes more rarely. A peer that was not
   * heard for five times as long goes from the set. @default "2s"
   */
  readonly interval?: Duration;
}

/** Of the block for use inside an organisation (RFC 2365), and link-local without an assigned meaning (RFC 4291). */
const GROUPS = ["239.255.70.78", "ff12::466f:756e"] as const;
const PORT = 45_892;

/**
 * Finds the nodes of this network that have the cluster's secret.
 *
 * @throws {ERR_INVALID_ARGUMENT} when an option is not what it has to be
 *
 * @example
 * ```ts
 * import { gossip } from "@foundation/discovery"
 *
 * const strategy = gossip({ multicastAddress: "230.1.1.251", multicastTtl: 1 })
 * console.log(strategy.name) // gossip
 * ```
 */
export function gossip(options: GossipOptions = {}): DiscoveryStrategy {
  const settings = settingsOf(options);
  const ring = checkedSecret(options.secret);
  return {
    name: "gossip",
    async *discover(context) {
      const { discoverByGossip } = await import("./gossip-discovery.js");
      const { udpNetwork } = await import("../lan/udp-network.js");
      yield* discoverByGossip(udpNetwork(), settings, secretReader(ring, context), context);
    },
  };
}

/** The options, checked and complete. @throws {ERR_INVALID_ARGUMENT} */
export function settingsOf(options: GossipOptions): GossipSettings {
  const { multicastTtl: ttl = 1, port = PORT, interfaces = [], broadcast = false } = options;
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > 255) {
    throw invalid("multicastTtl", "a whole number from 1 to 255", ttl);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw invalid("port", "a UDP port, 1 to 65535", port);
  }
  if (!Array.isArray(interfaces) || interfaces.some((each) => typeof each !== "string")) {
    throw invalid("interfaces", "a list of names or addresses of interfaces", interfaces);
  }
  if (typeof broadcast !== "boolean") throw invalid("broadcast", "true or false", broadcast);
  const intervalMs = parseDuration(options.interval ?? gossipLimits.intervalMs, "interval");
  const { intervalMsMin, intervalMsMax } = gossipLimits;
  if (intervalMs < intervalMsMin || intervalMs > intervalMsMax) {
    throw invalid("interval", `between ${intervalMsMin} and ${intervalMsMax} ms`, intervalMs);
  }
  const groups = groupsOf(options.multicastAddress ?? GROUPS);
  if (broadcast && groups[4] === undefined) {
    throw invalid("multicastAddress", "with broadcast: true an IPv4 address, or none", groups[6]);
  }
  return { groups, port, ttl, interfaces: [...interfaces], broadcast, intervalMs };
}

function groupsOf(addresses: string | readonly string[]): GossipSettings["groups"] {
  const groups: { 4?: string; 6?: string } = {};
  for (const address of typeof addresses === "string" ? [addresses] : addresses) {
    const family = isIP(address);
    const isGroup =
      family === 4 ? /^2(2[4-9]|3\d)\./.test(address) : family === 6 && /^ff/i.test(address);
    const isSecond = family !== 0 && groups[family as 4 | 6] !== undefined;
    if (!isGroup || isSecond) {
      const expected =
        "a multicast address (224.0.0.0 to 239.255.255.255, or ff00::/8), one for each family";
      throw invalid("multicastAddress", expected, address);
    }
    groups[family as 4 | 6] = address;
  }
  if (groups[4] === undefined && groups[6] === undefined) {
    throw invalid("multicastAddress", "at least one multicast address", addresses);
  }
  return groups;
}

function invalid(argument: string, expected: string, value: unknown): Error {
  return invalidArgument("gossip", argument, expected, value);
}
