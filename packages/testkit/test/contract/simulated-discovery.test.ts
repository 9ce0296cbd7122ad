/** The directory of a simulation keeps a discovery strategy's promises. */
import { describe, test } from "@jest/globals";
import { createNodeId } from "@foundation/core";
import { discoveryContext, seededRandom, virtualClock } from "@foundation/core/testing";
import { discoveryContract, virtualTime, type DiscoveryFixture } from "../../src/index.js";
import { SimulatedDiscovery } from "../../src/simulation/simulated-discovery.js";

interface SimulatedFixture extends DiscoveryFixture {
  readonly directory: SimulatedDiscovery;
  /** Other nodes, by address: each is there until its signal fires. */
  readonly others: Map<string, AbortController>;
}

const of = (fixture: DiscoveryFixture): SimulatedFixture => fixture as SimulatedFixture;

/** Announces another node, as that node itself would. */
function announce({ directory, time, others }: SimulatedFixture, address: string): void {
  const leaving = new AbortController();
  others.set(address, leaving);
  const random = seededRandom(address);
  const self = { id: createNodeId(random), address, name: address };
  const { clock } = time;
  const context = discoveryContext({
    cluster: "contract",
    self,
    signal: leaving.signal,
    clock,
    random,
  });
  const found = directory.strategy().discover(context);
  void (async () => {
    for await (const set of found) void set;
  })();
}

discoveryContract(
  { describe, test },
  {
    create: (): SimulatedFixture => {
      const time = virtualTime(virtualClock());
      const directory = new SimulatedDiscovery(time.clock);
      const others = new Map<string, AbortController>();
      const close = () => {
        for (const other of others.values()) other.abort();
      };
      return { strategy: directory.strategy(), directory, others, time, close };
    },
    appear: (fixture, address) => announce(of(fixture), address),
    vanish: (fixture, address) => of(fixture).others.get(address)?.abort(),
    fail: (fixture) => {
      of(fixture).directory.isOut = true;
    },
    mend: (fixture) => {
      of(fixture).directory.isOut = false;
    },
  },
);
