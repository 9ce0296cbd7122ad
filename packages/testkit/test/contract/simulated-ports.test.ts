import { afterEach, describe, test } from "@jest/globals";
import type { Storage } from "@foundation/core/ports";
import {
  createSimulator,
  loggerContract,
  storageContract,
  transportContract,
  virtualTime,
  type SimulatedHost,
  type Simulator,
} from "../../src/index.js";
import type { Boot } from "../../src/simulation/boot.js";
import type { NodeOfSimulation } from "../../src/simulation/simulated-node.js";
import { SimulatedDisk } from "../../src/simulation/simulated-disk.js";
import { diskOf } from "../../src/simulation/simulated-storage.js";
import { traceLogger } from "../../src/simulation/trace-logger.js";

let sim: Simulator<SimulatedHost> | undefined;
afterEach(() => {
  sim?.close();
  sim = undefined;
});

/** The runtime of a node that has started, in a simulation of its own. */
async function startedNode(): Promise<{ sim: Simulator<SimulatedHost>; host: SimulatedHost }> {
  sim?.close();
  sim = createSimulator<SimulatedHost>({ seed: "contract" });
  const node = sim.addNode("a", (host) => host);
  await sim.run("1s");
  return { sim, host: node.app as SimulatedHost };
}

describe("the simulated transport", () => {
  transportContract(
    { describe, test: (name, run) => test(name, run) },
    {
      create: async () => {
        const { sim: world, host } = await startedNode();
        const { transport } = host.runtime;
        return { transport, host: "a", time: virtualTime(world.clock), close: () => world.close() };
      },
    },
  );
});

/** Time passes while an operation is under way: the suite itself knows no clock. */
function passing({ clock }: Simulator<SimulatedHost>, storage: Storage): Storage {
  let pending = 0;
  const pump = async () => {
    while (pending > 0) await clock.advance(1);
  };
  const timed = <Args extends unknown[], T>(run: (...args: Args) => Promise<T>) => {
    return (...args: Args): Promise<T> => {
      const result = run(...args).finally(() => {
        pending -= 1;
      });
      pending += 1;
      if (pending === 1) void pump();
      return result;
    };
  };
  return {
    list: timed(storage.list.bind(storage)),
    read: timed(storage.read.bind(storage)),
    replace: timed(storage.replace.bind(storage)),
    append: timed(storage.append.bind(storage)),
    truncate: timed(storage.truncate.bind(storage)),
    sync: timed(storage.sync.bind(storage)),
    remove: timed(storage.remove.bind(storage)),
    close: timed(storage.close.bind(storage)),
  };
}

describe("the simulated storage", () => {
  const boot = (world: Simulator<SimulatedHost>) =>
    (world.node("a") as NodeOfSimulation<SimulatedHost>).boot as Boot;

  let disk: SimulatedDisk;
  storageContract(
    { describe, test },
    {
      create: async () => {
        const { sim: world } = await startedNode();
        disk = new SimulatedDisk(boot(world).world, world.random, 0.5);
        const open = () => passing(world, diskOf(disk, boot(world)));
        return { storage: open(), reopen: open, close: () => world.close() };
      },
      crash: ({ reopen }) => {
        disk.crash("power");
        return reopen();
      },
    },
  );

  test("answers after the disk's latency and keeps its files over a restart, not over a wipe", async () => {
    const { sim: world, host } = await startedNode();
    const { storage } = host.runtime;
    await world.settle(storage.replace("a.txt", Uint8Array.of(1)));
    world.crash("a");
    world.restart("a");
    await world.run("1s");
    const kept = await world.settle(
      (world.node("a").app as SimulatedHost).runtime.storage.list(""),
    );
    world.restart("a", { disk: "wiped" });
    await world.run("1s");
    const left = await world.settle(
      (world.node("a").app as SimulatedHost).runtime.storage.list(""),
    );
    if (kept.join() !== "a.txt" || left.length > 0) throw new Error(`${kept} and ${left}`);
  });
});

describe("the logger into the trace", () => {
  loggerContract(
    { describe, test },
    {
      create: async () => {
        const { sim: world } = await startedNode();
        const { boot } = world.node("a") as NodeOfSimulation<SimulatedHost>;
        const output = () => world.trace.lines().join("\n");
        return { logger: traceLogger(boot as Boot), output, close: () => world.close() };
      },
    },
  );
});
