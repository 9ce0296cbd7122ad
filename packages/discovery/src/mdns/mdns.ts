/**
 * mdns: nodes of one network find each other by multicast DNS and DNS-SD (RFC 6762, RFC 6763), as printers and screens
 * do. Nothing has to be configured but the secret.
 *
 * An announcement says where a node is and proves that it has the secret, and nothing else: no name of a cluster, no
 * version, no id. It is a hint; who is dialled proves himself in the handshake.
 */
import { invalidArgument, type DiscoveryStrategy, type SecretSource } from "@foundation/core";
import { checkedSecret, secretReader } from "../lan/secrets.js";
import type { MdnsSettings } from "./mdns-discovery.js";

/** Options of `mdns`. */
export interface MdnsOptions {
  /** Names (`eth0`) or addresses of the interfaces to use. @default all that lead out of the machine, else loopback */
  readonly interfaces?: readonly string[];
  /** Families of addresses to ask and answer by: 4, 6 or both. @default [4, 6] */
  readonly families?: readonly (4 | 6)[];
  /**
   * One secret, several or a key ring: the first is proved, each is accepted.
   * @default the cluster's (`security.secret`, FOUNDATION_SECRET)
   */
  readonly secret?: SecretSource;
}

/**
 * Finds the nodes of this network that have the cluster's secret.
 *
 * @throws {ERR_INVALID_ARGUMENT} when an option is not what it has to be
 *
 * @example
 * ```ts
 * import { mdns } from "@foundation/discovery"
 *
 * const strategy = mdns({ interfaces: ["eth0"] })
 * console.log(strategy.name) // mdns
 * ```
 */
export function mdns(options: MdnsOptions = {}): DiscoveryStrategy {
  const settings = mdnsSettingsOf(options);
  const ring = checkedSecret(options.secret);
  return {
    name: "mdns",
    async *discover(context) {
      const { discoverByMdns } = await import("./mdns-discovery.js");
      const { udpNetwork } = await import("../lan/udp-network.js");
      yield* discoverByMdns(udpNetwork(), settings, secretReader(ring, context), context);
    },
  };
}

/** The options, checked and complete. @throws {ERR_INVALID_ARGUMENT} */
export function mdnsSettingsOf({ interfaces = [], families = [4, 6] }: MdnsOptions): MdnsSettings {
  if (!Array.isArray(interfaces) || interfaces.some((each) => typeof each !== "string")) {
    throw invalid("interfaces", "a list of names or addresses of interfaces", interfaces);
  }
  const isList = Array.isArray(families) && families.length > 0;
  if (!isList || families.some((each) => each !== 4 && each !== 6)) {
    throw invalid("families", "a list with 4, 6 or both", families);
  }
  return { interfaces: [...interfaces], families: [...new Set(families)] };
}

function invalid(argument: string, expected: string, value: unknown): Error {
  return invalidArgument("mdns", argument, expected, value);
}
