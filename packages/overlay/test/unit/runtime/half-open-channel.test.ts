/**
 * Half-open channels: one side's connection is gone, the other still believes in its own. Found by the simulator: the
 * side that does not dial channels asked for a new one for ever, and the other answered that it had one.
 */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { silentLogger } from "@foundation/core";
import { discoveryContext } from "@foundation/core/testing";
import { createSimulator, type SimulatedHost, type Simulator } from "@foundation/testkit";
import { createOverlay, type Overlay } from "../../../src/index.js";

const start = async ({ runtime, name, discovery }: SimulatedHost): Promise<Overlay> => {
  const overlay = await createOverlay({
    cluster: "half-open",
    secret: "a secret of at least 16 characters",
    runtime: { ...runtime, logger: silentLogger() },
  });
  overlay.messenger.handle("echo", ({ payload }) => payload);
  const context = discoveryContext({
    cluster: "half-open",
    self: { id: overlay.self.id, address: overlay.address, name },
    clock: runtime.clock,
    random: runtime.random,
    logger: silentLogger(),
  });
  void (async () => {
    for await (const { peers } of discovery.discover(context)) {
      overlay.dial(peers.map(({ address }) => address).filter((each) => each !== overlay.address));
    }
  })();
  return overlay;
};

describe("a channel that is open on one side only", () => {
  let sim: Simulator<Overlay>;
  beforeEach(() => {
    sim = createSimulator<Overlay>({ seed: "half-open" });
  });
  afterEach(() => sim.close());

  const overlayOf = (name: string) => sim.node(name).app as Overlay;
  const ask = (from: string, to: string): Promise<unknown> => {
    const route = { to: overlayOf(to).self.id, channel: "data", subject: "echo" };
    const asking = sim
      .node(from)
      .within(({ messenger }) =>
        messenger.request(route, from, { timeoutMs: 4_000 }).catch((error: unknown) => error),
      );
    return sim.settle(asking);
  };

  test("is opened anew by the side that dials channels, when the one where it is gone asks", async () => {
    for (const name of ["a", "b", "c"]) sim.addNode(name, start);
    const all = () => sim.nodes.every(({ app }) => app?.membership.members().length === 3);
    await sim.until(all, "10s");
    const names = ["a", "b"] as const;
    for (let round = 0; round < 6; round += 1) {
      const [gone, believes] = round % 2 === 0 ? names : ([names[1], names[0]] as const);
      await ask(gone, believes);
      // Until the clock is right again the two cannot link anew; the third node vouches for both.
      sim.skewWall(gone, 3_600_000);
      sim.reset(believes, gone, { half: true });
      await sim.run("8s");
      sim.heal();
      await sim.run("10s");
      expect({ round, answer: await ask(gone, believes) }).toEqual({ round, answer: gone });
    }
  });
});
