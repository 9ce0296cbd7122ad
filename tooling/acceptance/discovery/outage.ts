/**
 * outage: the first of two ranked backends dies under a cluster that runs, and comes back knowing nobody.
 *
 * On the virtual network, decided by a seed: the nodes are whole clusters (`startCluster`), the backends are directories.
 * What counts: how many members were ever suspected, down or gone (none), and how often a node changed the backend it
 * believes (once each way).
 */
import { startCluster, type Cluster } from "@foundation/foundation";
import { fallback } from "@foundation/discovery";
import type { DiscoveryStrategy } from "@foundation/core";
import { createSimulator, type Simulator } from "@foundation/testkit";
import { createDirectory } from "./directory.js";

export interface OutageOptions {
  readonly nodes: number;
  readonly seed: string;
  /** Virtual minutes without the first backend. @default 10 */
  readonly minutes?: number;
}

export interface OutageResult {
  /** Members that a node took for suspect, down or gone. */
  readonly disconnects: number;
  /** Changes from the first backend to the second, of all nodes together, and back. */
  readonly stepsDown: number;
  readonly stepsBack: number;
  /** Looks at the second backend before the first failed: none, since it was not needed. */
  readonly early: number;
  /** Every node lists all of them, in the end. */
  readonly isWhole: boolean;
}

/** Longer than the time in which the better backend has to prove itself, and than the longest pause of a look. */
const AFTERWARDS = "3m";

/** Plays it. @throws {Error} when the cluster does not form at first */
export async function playOutage({
  nodes,
  seed,
  minutes = 10,
}: OutageOptions): Promise<OutageResult> {
  const sim = createSimulator<Cluster>({ seed });
  const counts = { disconnects: 0, stepsDown: 0, stepsBack: 0 };
  const first = createDirectory("first", () => sim.clock.now());
  const second = createDirectory("second", () => sim.clock.now());
  const ranked = counted(fallback([first.strategy, second.strategy]), (isDown) => {
    if (isDown) counts.stepsDown += 1;
    else counts.stepsBack += 1;
  });
  const names = Array.from({ length: nodes }, (_, i) => `n${i}`);
  for (const name of names) {
    sim.addNode(name, ({ runtime }) =>
      startCluster({
        name: "outage",
        cluster: ranked,
        node: { name },
        security: { secret: "a secret of the outage" },
        signals: false,
        runtime,
      }),
    );
  }
  try {
    const isWhole = (): boolean => names.every((name) => sizeOf(sim, name) === nodes);
    if (!(await sim.until(isWhole, "2m"))) throw new Error(`${nodes} nodes formed no cluster`);
    for (const name of names) watch(sim, name, () => (counts.disconnects += 1));
    await sim.run("10s");
    const early = second.requests;
    first.isDown = true;
    await sim.run(minutes * 60_000);
    first.isDown = false;
    await sim.run(AFTERWARDS);
    return { ...counts, early, isWhole: isWhole() };
  } finally {
    sim.close();
  }
}

function sizeOf(sim: Simulator<Cluster>, name: string): number {
  return sim.node(name).app?.nodes().length ?? 0;
}

/** Counts what a node thinks it lost. */
function watch(sim: Simulator<Cluster>, name: string, onLost: () => void): void {
  const cluster = sim.node(name).app;
  void (async () => {
    for await (const { type } of cluster?.watch() ?? []) {
      if (type === "node-suspect" || type === "node-down" || type === "node-left") onLost();
    }
  })();
}

/** The strategy, with each of its changes of mind counted. */
function counted(inner: DiscoveryStrategy, onStep: (isDown: boolean) => void): DiscoveryStrategy {
  return {
    name: inner.name,
    discover: (context) =>
      inner.discover({
        ...context,
        get secrets() {
          return context.secrets;
        },
        trace: (step) => {
          if (step.tried === "believe first") onStep(true);
          if (step.tried === "believe second") onStep(false);
          context.trace(step);
        },
      }),
  };
}
