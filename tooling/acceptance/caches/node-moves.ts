/**
 * NodeMoves: nodes leave or crash and come back, one after the other, nothing else being wrong. What nobody writes meanwhile
 * stays to be read on the other nodes, and nothing moves but what has other owners.
 */
import type { NodeId } from "@foundation/core";
import { Ring, ringPlacement } from "../../../packages/cache/src/protocol/ring.js";
import type { Op } from "./cache-book.js";
import { tell } from "./cache-book.js";
import { runOn } from "../support/run-on.js";
import type { Node } from "./cache-node.js";
import type { CachePlan } from "./cache-plan.js";
import { tellWrong, type World } from "./world.js";

const MOVES = 2;
const STILL = 8;
const STEP_MS = 25;
const AWAY_MS_MAX = 9_000;
const LEAVE_MS = 15_000;
const BACK_MS = 12_000;

export async function moveNodes(world: World, settle: () => Promise<unknown>): Promise<void> {
  const { random, sim } = world;
  for (let move = 0; move < MOVES; move++) {
    const still = await writeStill(world);
    const node = sim.nodes[Math.floor(random.next() * sim.nodes.length)] as Node;
    const isLeaving = random.next() < 0.6;
    world.meter.take();
    const before = idsOf(world);
    await away(world, node, isLeaving, still);
    checkMoves(world, before, node, "gone");
    const without = before.filter(({ name }) => name !== node.name);
    sim.restart(node.name);
    await whileReading(world, still, node.name, BACK_MS, isLeaving);
    await settle();
    checkMoves(
      world,
      [...without, ...idsOf(world).filter(({ name }) => name === node.name)],
      node,
      "back",
    );
    await tellStill(world, still, isLeaving);
  }
}

/** A key that nobody writes any more, with the last that was written. */
interface Still {
  readonly plan: CachePlan;
  readonly written: Op;
}

async function writeStill(world: World): Promise<readonly Still[]> {
  const { plan, users, sim } = world;
  const still: Still[] = [];
  let left = 0;
  for (const each of plan.caches.filter(({ mayForget }) => !mayForget)) {
    for (let index = 0; index < STILL; index++) {
      const [node] = users.ready(each);
      if (node === undefined) continue;
      left += 1;
      void users.write(node, each, `still-${index}`).then((written) => {
        left -= 1;
        if (written !== undefined && written.endedAt !== Infinity)
          still.push({ plan: each, written });
      });
    }
  }
  await sim.until(() => left === 0, "20s");
  return still;
}

/** A node leaves in order, or ends; users of the others read. */
async function away(
  world: World,
  node: Node,
  isLeaving: boolean,
  still: readonly Still[],
): Promise<void> {
  const { sim, counts, random } = world;
  counts[isLeaving ? "leaves" : "crashes"] = (counts[isLeaving ? "leaves" : "crashes"] ?? 0) + 1;
  if (isLeaving) {
    let isGone = false;
    const gone = () => (isGone = true);
    void runOn(sim, node, (app) => app.leave()).then(gone, gone);
    const untilMs = sim.clock.now() + LEAVE_MS;
    while (!isGone && sim.clock.now() < untilMs) {
      await whileReading(world, still, node.name, STEP_MS, isLeaving);
    }
  }
  sim.crash(node.name);
  await whileReading(world, still, node.name, random.next() * AWAY_MS_MAX, isLeaving);
}

/** Reads what nobody writes, on all nodes but one; the wrong answers are told. */
async function whileReading(
  world: World,
  still: readonly Still[],
  except: string,
  forMs: number,
  isLeaving: boolean,
): Promise<void> {
  const { sim, users, random } = world;
  const wrong: string[] = [];
  const untilMs = sim.clock.now() + forMs;
  do {
    const { plan, written } = still[Math.floor(random.next() * still.length)] as Still;
    const nodes = users.ready(plan).filter(({ name }) => name !== except);
    const node = nodes[Math.floor(random.next() * nodes.length)];
    if (node !== undefined) {
      void users.read(node, plan, written.key).then((read) => {
        if (read !== undefined && mayTell(plan, isLeaving) && read.value !== written.value) {
          wrong.push(`a hole: ${tell(read)}, after ${tell(written)}`);
        }
      });
    }
    await sim.run(STEP_MS);
  } while (sim.clock.now() < untilMs);
  tellWrong(`while ${except} ${isLeaving ? "left" : "crashed"} and came back`, wrong);
}

/** An entry with one owner goes with it when that one crashes; a pair of a quorum may lose what it must not guess. */
function mayTell(plan: CachePlan, isLeaving: boolean): boolean {
  return isLeaving || plan.replicas > 1;
}

async function tellStill(world: World, still: readonly Still[], isLeaving: boolean): Promise<void> {
  const { sim, users } = world;
  const wrong: string[] = [];
  let left = 0;
  for (const { plan, written } of still.filter((each) => mayTell(each.plan, isLeaving))) {
    const [node] = users.ready(plan);
    if (node === undefined) continue;
    left += 1;
    void users.read(node, plan, written.key).then((read) => {
      left -= 1;
      if (read?.value !== written.value) wrong.push(`lost by a move: ${tell(written)}`);
    });
  }
  await sim.until(() => left === 0, "20s");
  tellWrong("after a move", wrong);
}

interface Named {
  readonly name: string;
  readonly id: NodeId;
}

function idsOf({ sim }: World): readonly Named[] {
  return sim.nodes.flatMap(({ name, app }) =>
    app === undefined ? [] : [{ name, id: app.self.id }],
  );
}

/** Only buckets whose owners are others than before go anywhere, and to their owners. */
function checkMoves(world: World, all: readonly Named[], node: Node, what: "gone" | "back"): void {
  const { plan, meter, counts } = world;
  const moves = meter.take();
  counts["entries moved"] = (counts["entries moved"] ?? 0) + moves.length;
  const wrong: string[] = [];
  for (const each of plan.caches.filter(({ isQuorum, mayForget }) => !isQuorum && !mayForget)) {
    const members = all.filter(({ name }) => each.on.includes(name));
    const others = members.filter(({ name }) => name !== node.name);
    const ringOf = (of: readonly Named[]) =>
      new Ring(
        1,
        of.map(({ id }) => id),
        each.replicas,
        ringPlacement(),
      );
    const [from, to] =
      what === "gone" ? [ringOf(members), ringOf(others)] : [ringOf(others), ringOf(members)];
    for (const { cache, bucket, to: id, key } of moves) {
      if (cache !== each.name) continue;
      // An owner may compare what it has with who has just become one.
      const isMoved = to.owners(bucket).includes(id) && !from.hasSameOwners(to, bucket);
      const name = all.find((one) => one.id === id)?.name;
      if (!isMoved)
        wrong.push(`${cache}: ${name} was given "${key}" when ${node.name} was ${what}`);
    }
  }
  tellWrong("in a move", wrong);
}
