/**
 * simulatedWorld: a scenario in virtual time, decided by a seed, on testkit's simulator.
 *
 * The scenario itself runs outside of all nodes. Whatever it awaits is driven by letting virtual time pass in small steps
 * until it has settled, so several commands may be under way at once, as in the other worlds.
 */
import { parseDuration } from "@foundation/core";
import { createSimulator, lanConditions, type Simulator } from "@foundation/testkit";
import { Agent } from "./agent.js";
import { writeLedgerTo, type LedgerLine } from "./ledger.js";
import { Roster } from "./roster.js";
import type { Capability, NodeOptions, World } from "./world.js";

/** Virtual milliseconds between two looks at what is awaited, and at a condition. */
const steps = { awaitMs: 5, conditionMs: 50, commandMsMax: 120_000 } as const;

/** What virtual time can do to a network; its frames are whole, so bytes cannot be mangled. */
export const simulatedCapabilities: readonly Capability[] = [
  "kill",
  "partition",
  "one-way",
  "slow",
  "reset",
  "half-open",
  "pause",
];

export function simulatedWorld(options: { readonly seed: string }): World {
  const sim = createSimulator<Agent>({ seed: options.seed });
  const lines: LedgerLine[] = [];
  writeLedgerTo((line) => lines.push(line));
  const roster = new Roster<undefined>();
  const secrets = new Map<string, string>();
  const driver = new Driver(sim);

  async function up(name: string) {
    const node = sim.node(name);
    const hasStarted = await sim.until(() => node.app !== undefined, "30s");
    if (!hasStarted) throw new Error(`${name} has not started within 30 s of virtual time`);
    const key = (node.app as Agent).key;
    return roster.add(name, key, undefined, (command) =>
      driver.drive(node.within((agent) => agent.handle(command))),
    );
  }

  function addNode(name: string): void {
    sim.addNode(name, ({ runtime, discovery }) =>
      Agent.start({
        clock: runtime.clock,
        start: {
          name: "worlds",
          cluster: discovery,
          node: { name },
          security: { secret: secrets.get(name) ?? "a secret of all worlds" },
          signals: false,
          runtime,
        },
      }),
    );
  }

  return {
    name: "simulated",
    can: new Set(simulatedCapabilities),
    now: () => sim.clock.now(),
    start: (name, { secret }: NodeOptions = {}) => {
      if (secret !== undefined) secrets.set(name, secret);
      addNode(name);
      return up(name);
    },
    stop: async (name) => {
      await roster.settle(name);
      await driver.drive(sim.node(name).within((agent) => agent.handle({ type: "leave" })));
      roster.remove(name);
      sim.crash(name);
    },
    kill: async (name) => {
      roster.remove(name);
      sim.crash(name);
    },
    restart: (name) => {
      sim.restart(name);
      return up(name);
    },
    partition: async (...groups) => {
      for (const [i, group] of groups.entries()) {
        for (const other of groups.slice(i + 1)) sim.partition(group, other);
      }
    },
    cut: async (from, to) => sim.partition(from, to, { oneWay: true }),
    heal: async () => sim.heal(),
    slow: async (a, b, { latencyMs, jitterMs = 0, bytesPerSecond }) => {
      const bytesPerMs = bytesPerSecond === undefined ? Infinity : bytesPerSecond / 1_000;
      const conditions = { ...lanConditions, latencyMs, jitterMs, bytesPerMs };
      sim.link(a, b, conditions);
      sim.link(b, a, conditions);
    },
    reset: async (a, b) => {
      sim.reset(a, b);
      sim.reset(b, a);
    },
    halfOpen: async (a, b) => sim.reset(a, b, { half: true }),
    blackHole: lacking("black-hole"),
    pause: async (name) => sim.pause(name),
    resume: async (name) => sim.resume(name),
    injectGarbage: lacking("mangle"),
    fragment: lacking("mangle"),
    run: (duration) => sim.run(duration),
    eventually: async (holds, within) => {
      const untilMs = sim.clock.now() + parseDuration(within, "within");
      for (;;) {
        const answer = await holds();
        if (answer === true) return;
        if (sim.clock.now() >= untilMs) throw new Error(`not within ${within}: ${answer}`);
        await sim.run(steps.conditionMs);
      }
    },
    ledger: async () => [...lines],
    outcomes: () => roster.outcomes(),
    close: async () => sim.close(),
  };
}

/** Lets virtual time pass as long as anything is awaited; one loop for all who wait. */
class Driver {
  readonly #sim: Simulator<Agent>;
  #waiting = 0;
  #loop: Promise<void> | undefined;

  constructor(sim: Simulator<Agent>) {
    this.#sim = sim;
  }

  async drive<T>(work: Promise<T>): Promise<T> {
    this.#waiting += 1;
    const settled = work.finally(() => {
      this.#waiting -= 1;
    });
    // What it ends with is for whoever awaits `settled`, even when that is after the loop failed.
    settled.catch(() => undefined);
    this.#loop ??= this.#run().finally(() => {
      this.#loop = undefined;
    });
    await this.#loop;
    return settled;
  }

  async #run(): Promise<void> {
    const untilMs = this.#sim.clock.now() + steps.commandMsMax;
    while (this.#waiting > 0) {
      if (this.#sim.clock.now() > untilMs) {
        throw new Error(`a command has not ended within ${steps.commandMsMax} ms of virtual time`);
      }
      await this.#sim.run(steps.awaitMs);
    }
  }
}

function lacking(capability: Capability): () => Promise<never> {
  return async () => {
    throw new Error(`the simulated world cannot do "${capability}": look at world.can first`);
  };
}
