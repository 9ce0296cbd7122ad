/** strategyByName: the strategy that a configuration names by one word, with what the environment says as its options. */
import { coreErrors, type DiscoveryStrategy } from "@foundation/core";
import type { StrategyName } from "../protocol/detection.js";
import { aws } from "../aws/aws.js";
import { consul } from "../consul/consul.js";
import { gcp } from "../gcp/gcp.js";
import { gossip } from "../gossip/gossip.js";
import { mdns } from "../mdns/mdns.js";
import { dns } from "../strategies/dns.js";
import { kubernetes } from "../kubernetes/kubernetes.js";
import { local } from "../strategies/local.js";
import { staticList } from "../strategies/static-list.js";

/** What a word alone cannot say. */
export interface StrategyByNameOptions {
  /** The peers of `static`. */
  readonly addresses?: readonly string[];
}

/**
 * Makes the strategy. What it needs beside its name it takes from the environment when it runs.
 *
 * @throws {ERR_INVALID_ARGUMENT} for `static` without addresses
 * @throws {ERR_PEER_ADDRESS} when one of them is none
 */
export function strategyByName(
  name: StrategyName,
  { addresses = [] }: StrategyByNameOptions = {},
): DiscoveryStrategy {
  switch (name) {
    case "kubernetes":
      return kubernetes();
    case "gcp":
      return gcp();
    case "gossip":
      return gossip();
    case "mdns":
      return mdns();
    case "local":
      return local();
    case "aws":
      return aws();
    case "consul":
      return consul();
    case "dns":
      return dns();
    case "static":
      return staticList({ addresses: someOf(addresses) });
    default:
      return name satisfies never;
  }
}

function someOf(addresses: readonly string[]): readonly string[] {
  if (addresses.length > 0) return addresses;
  const [argument, expected, found] = ["addresses", "at least one host:port", "none"];
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `The strategy "static" needs the addresses of peers: ${argument} must be ${expected}, found ${found}`,
    { argument, expected, found },
  );
}
