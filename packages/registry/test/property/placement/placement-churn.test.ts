/**
 * Constraints under churn: whole registries over the memory twins, while nodes crash, restart, leave,
 * are cut off and come back, and children are started, stopped, moved and rebalanced. No node ever
 * runs two that avoid each other, or more of a kind than it may: not at rest, and not meanwhile.
 * After all has healed each child runs once wherever there is room for it.
 *
 * `PLACEMENT_SEED=<n>` or `<from>-<to>` plays other seeds than the usual ones.
 */
import { describe, expect, test } from "@jest/globals";
import { isFoundationError } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { Constraints } from "../../../src/index.js";
import { counter, runningAt, world, type World } from "../../unit/runtime/world.js";

const SEEDS = 40;
const STEPS = 25;
const APART = ["apart-0", "apart-1", "apart-2", "apart-3"];
const FEW = ["few-0", "few-1", "few-2", "few-3", "few-4", "few-5"];
const NAMES = [...APART, ...FEW, "plain-0", "plain-1"];

function constraintsOf(name: string): Constraints | undefined {
  if (name.startsWith("apart")) return { group: "apart", antiAffinity: {} };
  if (name.startsWith("few")) return { capacity: { prefix: "few-", max: 2 } };
  return undefined;
}

/** What the constraints promise of each node, counted in its kernel. */
function expectPromises(w: World, when: string): void {
  for (const port of w.cluster.nodes) {
    const node = w.nodes.find((each) => each.port === port);
    const labels = node?.kernel.list().map(({ label }) => label ?? "") ?? [];
    const apart = labels.filter((label) => label.startsWith("apart"));
    const few = labels.filter((label) => label.startsWith("few"));
    expect({
      when,
      node: port.name,
      apart,
      few,
      holds: apart.length <= 1 && few.length <= 2,
    }).toMatchObject({ holds: true });
  }
}

function mustBeTyped(error: unknown): void {
  if (!isFoundationError(error)) throw error;
}

class Churn {
  readonly w: World;
  readonly pending: Promise<unknown>[] = [];
  readonly stopped = new Set<string>();
  readonly #below: (limit: number) => number;

  constructor(w: World, below: (limit: number) => number) {
    this.w = w;
    this.#below = below;
  }

  start(place: number, name: string): void {
    const constraints = constraintsOf(name);
    const rules = constraints === undefined ? {} : { constraints };
    const options = { name, distribute: true, ifRunning: "return", timeout: "2s" } as const;
    const { registry } = this.w.at(place);
    this.stopped.delete(name);
    const started = registry.startProcess(counter, { from: 0 }, { ...options, ...rules });
    this.pending.push(started.then(() => undefined, mustBeTyped));
  }

  step(kind: number): void {
    const { w } = this;
    const alive = w.cluster.nodes.map((port) => w.nodes.findIndex((node) => node.port === port));
    const place = alive[this.#below(alive.length)] as number;
    const name = NAMES[this.#below(NAMES.length)] as string;
    const { registry } = w.at(place);
    switch (kind) {
      case 0:
        if (alive.length > 1) w.cluster.down(place);
        return;
      case 1: {
        const dead = w.nodes.findIndex(({ port }) => !w.cluster.nodes.includes(port));
        w.cluster.restart(dead === -1 ? place : dead);
        w.boot(dead === -1 ? place : dead);
        return;
      }
      case 2:
        return w.cluster.partition(alive.filter(() => this.#below(2) === 0));
      case 3:
        return w.cluster.heal();
      case 4: {
        const to = w.cluster.nodes[this.#below(w.cluster.nodes.length)]?.id;
        if (to === undefined || w.cluster.nodes.length < 2) return;
        const migration = registry.migrate(name, { to, timeout: "2s" });
        return void this.pending.push(migration.done.catch(mustBeTyped));
      }
      case 5: {
        const rebalancing = registry.rebalance({ rate: 100, tolerance: 0 });
        return void this.pending.push(rebalancing.done.catch(mustBeTyped));
      }
      case 6:
        return void this.pending.push(registry.process(counter, name).stop().catch(mustBeTyped));
      default:
        return this.start(place, name);
    }
  }

  async healAndCheck(): Promise<void> {
    const { w } = this;
    w.cluster.heal();
    w.nodes.forEach(({ port }, place) => {
      if (w.cluster.nodes.includes(port)) return;
      w.cluster.restart(place);
      w.boot(place);
    });
    await w.advance(30_000);
    expectPromises(w, "at rest");
    for (const name of NAMES) if (runningAt(w, name).length === 0) this.start(0, name);
    await w.advance(15_000);
    expectPromises(w, "after the last starts");
    const running = (names: readonly string[]) =>
      names.map((name) => runningAt(w, name).length).sort();
    const count = w.nodes.length;
    const once = (names: readonly string[], room: number) =>
      names.map((_name, i) => Number(i < room)).sort();
    expect(running(APART)).toEqual(once(APART, count));
    expect(running(FEW)).toEqual(once(FEW, 2 * count));
    expect(running(["plain-0", "plain-1"])).toEqual([1, 1]);
  }
}

async function churn(seed: number): Promise<void> {
  const random = seededRandom(`placement-${seed}`);
  const below = (limit: number) => Math.floor(random.next() * limit);
  const w = await world(2 + below(4), {
    random: random.fork("cluster"),
    latencyMs: 1 + below(40),
    detectionMs: below(400),
  });
  const play = new Churn(w, below);
  for (const name of NAMES) play.start(below(w.nodes.length), name);
  await w.advance(500);
  for (let step = 0; step < STEPS; step++) {
    play.step(below(10));
    await w.advance(below(600));
    expectPromises(w, `after step ${step}`);
  }
  await play.healAndCheck();
  await w.close();
}

describe("constraints under churn", () => {
  const [first = 0, last = first] = (process.env.PLACEMENT_SEED ?? `0-${SEEDS - 1}`)
    .split("-")
    .map(Number);
  const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  for (let from = 0; from < seeds.length; from += 10) {
    const some = seeds.slice(from, from + 10);
    test(`hold on every node at every moment, seeds from ${some[0]}`, async () => {
      for (const seed of some) {
        try {
          await churn(seed);
        } catch (error) {
          throw new Error(`PLACEMENT_SEED=${seed} fails`, { cause: error });
        }
      }
    }, 120_000);
  }
});
