/** The simulated network against real sockets: the same faults, the same facts. */
import { beforeAll, expect, test } from "@jest/globals";
import type { Transport } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { createSimulator } from "@foundation/testkit";
import { gatedTransport } from "../../proxy/gated-transport.js";
import { Proxy } from "../../proxy/proxy.js";
import {
  situations,
  transportScript,
  type Facts,
  type Situation,
  type TransportPair,
} from "../../transport-script.js";

async function simulatedPair(): Promise<TransportPair> {
  const sim = createSimulator<Transport>({ seed: "transports" });
  for (const name of ["a", "b"]) sim.addNode(name, ({ runtime }) => runtime.transport);
  await sim.run("10ms");
  const transport = (name: string) => sim.node(name).app as Transport;
  return {
    a: transport("a"),
    b: transport("b"),
    now: () => sim.clock.now(),
    run: (ms) => sim.run(ms),
    cut: (from, to) => sim.partition([from], [to], { oneWay: true }),
    heal: () => sim.heal(),
    reset: () => {
      sim.reset("a", "b");
      sim.reset("b", "a");
    },
    halfOpen: () => {
      sim.reset("a", "b", { half: true });
    },
    killB: () => sim.crash("b"),
    close: async () => sim.close(),
  };
}

async function realPair(): Promise<TransportPair> {
  const proxy = new Proxy(seededRandom("transports"));
  let address = "";
  const nodeAt = () => "b";
  const listens = (at: string) => (address = at);
  return {
    a: gatedTransport({ proxy, dialler: "a", nodeAt }),
    b: gatedTransport({ proxy, dialler: "b", nodeAt, listens }),
    now: () => performance.now(),
    run: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    cut: (from, to) => proxy.cut(from, to),
    heal: () => proxy.heal(),
    reset: () => proxy.reset("a", "b"),
    halfOpen: () => proxy.halfOpen("a", "b"),
    killB: () => {
      const { hostname, port } = new URL(address);
      proxy.kill("b", hostname, Number(port));
    },
    close: () => proxy.close(),
  };
}

let real: ReadonlyMap<Situation, Facts>;

/** All at once, since they only wait; and before the simulator, which lets nothing real happen beside it. */
beforeAll(async () => {
  const factsOf = async (what: Situation) =>
    [what, await transportScript(await realPair(), what)] as const;
  real = new Map(await Promise.all(situations.map(factsOf)));
});

test.each(situations)("%s looks simulated as it does on real sockets", async (what) => {
  expect(await transportScript(await simulatedPair(), what)).toEqual(real.get(what));
});
