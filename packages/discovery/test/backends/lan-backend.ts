/**
 * The backend of `gossip` and `mdns`: a network in memory and in virtual time, where each peer is a node that runs the same
 * strategy.
 */
import { seededRandom, virtualClock } from "@foundation/core/testing";
import { virtualTime, type DiscoveryBackend, type DiscoveryFailure } from "@foundation/testkit";
import type { DiscoveryContext, PeerSet } from "@foundation/core";
import { LanNode } from "../support/lan-node.js";
import { MemoryLan, type MemoryHost } from "../support/memory-lan.js";

type Discover = (host: MemoryHost, context: DiscoveryContext) => AsyncGenerator<PeerSet, void>;

const SECRET = "a secret of the network";

/** The failures a network has; the others are those of somebody who is asked. */
export const lanFailures: readonly DiscoveryFailure[] = ["error", "forbidden", "malformed"];

/** A network with one machine whose strategy is tried; peers are on machines of their own. */
export function lanBackend(name: string, discover: Discover): DiscoveryBackend & LanControls {
  const clock = virtualClock();
  const lan = new MemoryLan(clock, seededRandom(name));
  const peers = new Map<string, LanNode>();
  let strangers: LanNode[] = [];
  let machines = 1;
  // Of loopback, since the strategy that is tried announces a loopback address.
  const nextHost = () => lan.host(`127.0.0.${(machines += 1)}`);
  const host = lan.host("127.0.0.1");
  const start = (address: string, cluster: string, secret: string) => {
    const own = nextHost();
    const parts = { cluster, secrets: [secret] };
    return new LanNode(`${address} ${machines}`, clock, address, (c) => discover(own, c), parts);
  };
  return {
    lan,
    strategy: { name, discover: (context) => discover(host, context) },
    time: virtualTime(clock),
    secrets: [SECRET],
    add: (address) => void peers.set(address, start(address, "contract", SECRET)),
    remove: async (address) => {
      await peers.get(address)?.stop();
      peers.delete(address);
    },
    fail: (kind) => {
      if (kind === "forbidden") strangers.push(start("ws://10.66.6.6:4100", "contract", "another"));
      else host.trouble = kind === "error" ? "down" : "mangled";
      if (kind === "error") lan.failed(host, "sending over eth0");
    },
    recover: async () => {
      host.trouble = undefined;
      for (const stranger of strangers) await stranger.stop();
      strangers = [];
    },
    requests: () => lan.sent.filter(({ from }) => from === "127.0.0.1").length,
    close: async () => {
      for (const node of [...peers.values(), ...strangers]) await node.stop();
      // What is still on the wire arrives nowhere.
      await clock.advance(1_000);
    },
  };
}

/** What a test may do besides. */
export interface LanControls {
  readonly lan: MemoryLan;
}
