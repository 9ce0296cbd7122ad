/** The contract over real sockets: multicast on this machine's loopback, where every peer runs the strategy, too. */
import { networkInterfaces } from "node:os";
import { describe, test } from "@jest/globals";
import {
  createNodeId,
  nodeClock,
  nodeRandom,
  type DiscoveryContext,
  type DiscoveryStrategy,
} from "@foundation/core";
import { discoveryContext } from "@foundation/core/testing";
import { discoveryContract, realTime, type DiscoveryFixture } from "@foundation/testkit";
import { gossip } from "../../src/gossip/gossip.js";
import { mdns } from "../../src/mdns/mdns.js";

const loopback = Object.entries(networkInterfaces()).find(([, addresses]) =>
  addresses?.some(({ internal, family }) => internal && family === "IPv4"),
)?.[0];
const interfaces = [loopback ?? "lo"];
let fixtures = 0;

interface LanFixture extends DiscoveryFixture {
  appear(address: string): void;
  vanish(address: string): Promise<void>;
}

function fixture(make: (secret: string) => DiscoveryStrategy): LanFixture {
  fixtures += 1;
  // Whatever else runs on this machine has another secret.
  const strategy = among(make(`a secret of fixture ${fixtures} of process ${process.pid}`));
  const peers = new Map<string, () => Promise<void>>();
  return {
    strategy,
    time: realTime(nodeClock()),
    appear: (address) => {
      const abort = new AbortController();
      const random = nodeRandom();
      const self = { id: createNodeId(random), address, name: address };
      const given = { cluster: "contract", clock: nodeClock(), random, signal: abort.signal, self };
      const ended = drained(strategy, discoveryContext(given));
      peers.set(address, () => {
        abort.abort();
        return ended;
      });
    },
    vanish: (address) => peers.get(address)?.() ?? Promise.resolve(),
    close: async () => {
      for (const stop of peers.values()) await stop();
    },
  };
}

async function drained(strategy: DiscoveryStrategy, context: DiscoveryContext): Promise<void> {
  for await (const _ of strategy.discover(context)) {
    // Only that it is there counts.
  }
}

/** Other runs of this test are strangers to it, and no fault. */
function among(strategy: DiscoveryStrategy): DiscoveryStrategy {
  return {
    name: strategy.name,
    discover: (context) =>
      strategy.discover({
        ...context,
        report: (problem) => {
          if (problem.code !== "ERR_LAN_STRANGER") context.report(problem);
        },
      }),
  };
}

const strategies = {
  gossip: (secret: string) => gossip({ interfaces, secret, port: 45_895 }),
  mdns: (secret: string) => mdns({ interfaces, secret }),
};
for (const [name, make] of Object.entries(strategies)) {
  describe(`${name} over loopback`, () => {
    discoveryContract(
      { describe, test },
      {
        create: () => fixture(make),
        appear: (given, address) => (given as LanFixture).appear(address),
        vanish: (given, address) => (given as LanFixture).vanish(address),
      },
    );
  });
}
