/**
 * ComputeOnce: where nothing is wrong a key is computed once in the whole cluster, and all who asked are given that.
 */
import type { Op } from "./cache-book.js";
import { tell } from "./cache-book.js";
import type { CachePlan } from "./cache-plan.js";
import { tellWrong, type World } from "./world.js";

const SPREAD_MS = 20;

export async function computeOnce(world: World): Promise<void> {
  for (const plan of world.plan.caches) await computeOneKey(world, plan);
}

async function computeOneKey(world: World, plan: CachePlan): Promise<void> {
  const { sim, users, random, counts } = world;
  const key = `once-${world.book.keys(plan.name).length}`;
  const forMs = 20 + random.next() * 300;
  let runs = 0;
  const asked: (Op | undefined)[] = [];
  const nodes = users.ready(plan);
  for (const node of [...nodes, ...nodes]) {
    sim.at(random.next() * SPREAD_MS, () => {
      void users.compute(node, plan, key, forMs, () => (runs += 1)).then((op) => asked.push(op));
    });
  }
  await sim.until(() => asked.length === nodes.length * 2, "40s");
  counts["computed once"] = (counts["computed once"] ?? 0) + 1;
  const values = new Set(asked.map((op) => op?.value));
  if (runs === 1 && values.size === 1) return;
  const answers = asked.map((op) => (op === undefined ? "no answer" : tell(op)));
  tellWrong("while nothing was wrong", [
    `${plan.name} computed "${key}" ${runs} times, with ${values.size} values:\n${answers.join("\n")}`,
  ]);
}
