/**
 * playState: replicated state of all types on a whole cluster under all faults, in virtual time.
 *
 * A few nodes open one state of each type and write into all of them while what a seed draws goes wrong. Then all is
 * healed, every node must show the same within bounded time, and the book must find nothing lost and nothing back.
 */
import { simulateCluster, type FaultName } from "@foundation/foundation/testing";
import { seededRandom } from "@foundation/core/testing";
import { act, judge, stateApp, viewOf } from "./state-app.js";
import { StateBook } from "./state-book.js";

export interface PlayStateOptions {
  readonly seed: string;
  readonly nodesMin: number;
  readonly nodesMax: number;
  /** How long faults rage, in virtual milliseconds. */
  readonly forMs: number;
}

export interface StatePlayed {
  readonly seed: string;
  readonly nodes: number;
  readonly virtualMs: number;
  readonly writes: number;
  readonly violation: string | undefined;
}

/** All of which a disk's promise outlives. */
const FAULTS: readonly FaultName[] = [
  "clog",
  "crash",
  "discovery",
  "drift",
  "full",
  "half-open",
  "jump",
  "one-way",
  "partition",
  "pause",
  "power",
  "reset",
  "skew",
  "stall",
  "suspend",
];
const STEP_MS = 40;
const FORM_WITHIN = "120s";
const CONVERGE_WITHIN = "120s";
/** Longer than any entry with an end has left: five seconds, and what its message was on the way. */
const BRIEF_OVER_MS = 12_000;

/** Never rejects: what went wrong is the violation. */
export async function playState(options: PlayStateOptions): Promise<StatePlayed> {
  const { seed, nodesMin, nodesMax, forMs } = options;
  const random = seededRandom(seed).fork("state");
  const nodes = nodesMin + Math.floor(random.next() * (nodesMax - nodesMin + 1));
  const kinds = FAULTS.filter(() => random.next() < 0.5);
  const names = Array.from({ length: nodes }, (_, index) => `n${index}`);
  const book = new StateBook();
  let virtualMs = 0;
  let violation: string | undefined;
  const sim = await simulateCluster({
    nodes: names,
    seed,
    app: stateApp,
    faults: { kinds, every: 300 + random.next() * 2_000, lasts: "6s", down: "4s" },
  });
  try {
    while (sim.now < forMs) {
      await sim.run(STEP_MS * random.next() * 2);
      const node = sim.nodes[Math.floor(random.next() * nodes)];
      if (node?.state === "up") node.within(({ app }) => act(app, random, book));
    }
    sim.heal();
    await sim.formed({ within: FORM_WITHIN });
    await sim.eventually(() => sim.nodes.every(({ state }) => state === "up"), {
      within: FORM_WITHIN,
    });
    await sim.run(BRIEF_OVER_MS);
    let views: readonly string[] = [];
    await sim
      .eventually(
        () => {
          views = sim.nodes.map((node) => node.within(({ app }) => viewOf(app)));
          return views.every((view) => view === views[0]);
        },
        { within: CONVERGE_WITHIN, every: "500ms" },
      )
      .catch(() => {
        violation = `the nodes do not agree:\n${views.join("\n")}`;
      });
    const up = new Set(sim.nodes.map((node) => node.within(({ app }) => app.start)));
    for (const node of sim.nodes) {
      const wrong = node.within(({ app }) => judge(app, book, up));
      if (wrong.length > 0) violation ??= `on ${node.name}: ${wrong.join("; ")}`;
    }
    virtualMs = sim.now;
  } catch (error) {
    violation ??= error instanceof Error ? error.message : String(error);
  } finally {
    await sim.close().catch((error: unknown) => {
      violation ??= String(error);
    });
  }
  return { seed, nodes, virtualMs, writes: book.writes, violation };
}
