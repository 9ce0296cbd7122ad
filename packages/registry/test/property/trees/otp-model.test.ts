/**
 * Trees against a model of OTP's supervisors (https://www.erlang.org/doc/system/sup_princ): whatever children of whatever
 * restart rule do in whatever order, the starts and ends of their processes are those that the model says, in its order,
 * wherever in the cluster they run.
 */
import { beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Restart, SupervisorRef, TreeStrategy } from "../../../src/index.js";
import { child, diary, kill, quit, shown } from "../../unit/trees/tree-world.js";
import { world, type World } from "../../unit/runtime/world.js";

const RUNS = Number(process.env.TREE_RUNS ?? 16);
const WITHIN_MS = 5_000;
const IDS = ["a", "b", "c", "d"];

interface ModelChild {
  readonly id: string;
  readonly restart: Restart;
  readonly dynamic: boolean;
  up: boolean;
}

/** What OTP's supervisor would do. */
class Model {
  readonly children: ModelChild[] = [];
  diary: string[] = [];
  gaveUp = false;
  #restarts: number[] = [];
  readonly #strategy: TreeStrategy;
  readonly #maxRestarts: number;

  constructor(strategy: TreeStrategy, maxRestarts: number) {
    this.#strategy = strategy;
    this.#maxRestarts = maxRestarts;
  }

  add(id: string, restart: Restart, dynamic: boolean): void {
    this.children.push({ id, restart, dynamic, up: false });
    this.#start(this.find(id) as ModelChild);
  }

  find(id: string): ModelChild | undefined {
    return this.children.find((each) => each.id === id);
  }

  /** The child ends by itself. */
  exit(one: ModelChild, orderly: boolean, now: number): void {
    one.up = false;
    if (orderly) this.diary.push(`-${one.id}`);
    const again = one.restart === "permanent" || (one.restart === "transient" && !orderly);
    if (!again) {
      if (one.dynamic || one.restart === "temporary") this.#forget(one);
      return;
    }
    this.#restarts = [...this.#restarts.filter((at) => now - at < WITHIN_MS), now];
    if (this.#restarts.length > this.#maxRestarts) {
      this.gaveUp = true;
      for (const each of [...this.children].reverse()) this.#stop(each);
      this.children.length = 0;
      return;
    }
    const affected = this.#affectedBy(one);
    for (const each of [...affected].reverse()) this.#stop(each);
    for (const each of affected) if (each.restart === "temporary") this.#forget(each);
    for (const each of affected) if (this.children.includes(each)) this.#start(each);
  }

  end(one: ModelChild): void {
    this.#stop(one);
    if (one.dynamic || one.restart === "temporary") this.#forget(one);
  }

  restart(one: ModelChild): void {
    this.#stop(one);
    this.#start(one);
  }

  get shown(): string {
    return this.children.map(({ id, up }) => `${id}:${up ? "running" : "ended"}`).join(" ");
  }

  #affectedBy(one: ModelChild): readonly ModelChild[] {
    if (this.#strategy === "one-for-all") return [...this.children];
    if (this.#strategy === "rest-for-one") return this.children.slice(this.children.indexOf(one));
    return [one];
  }

  #start(one: ModelChild): void {
    one.up = true;
    this.diary.push(`+${one.id}`);
  }

  #stop(one: ModelChild): void {
    if (one.up) this.diary.push(`-${one.id}`);
    one.up = false;
  }

  #forget(one: ModelChild): void {
    this.children.splice(this.children.indexOf(one), 1);
  }
}

const restarts = fc.constantFrom<Restart>("permanent", "transient", "temporary");
const happenings = fc.array(
  fc.record({
    what: fc.constantFrom("crash", "crash", "quit", "end", "restart", "add"),
    which: fc.nat(),
    restart: restarts,
    // No sum of them comes near to the window, so that latencies decide nothing.
    passMs: fc.constantFrom(700, 1_900),
  }),
  { minLength: 1, maxLength: 12 },
);
type Happening = typeof happenings extends fc.Arbitrary<readonly (infer One)[]> ? One : never;

beforeEach(() => {
  diary.length = 0;
});

async function happen(
  w: World,
  tree: SupervisorRef,
  model: Model,
  { what, which, restart, passMs }: Happening,
  number: number,
): Promise<void> {
  const one = model.children[which % Math.max(1, model.children.length)];
  if (what === "add") {
    model.add(`n${number}`, restart, true);
    await w.run(tree.startChild(child(`n${number}`, { restart })));
  } else if (one !== undefined) {
    const isExit = what === "crash" || what === "quit";
    if (isExit && one.up) {
      if (what === "crash") kill(w, `pool/${one.id}`);
      else quit(w, `pool/${one.id}`);
      model.exit(one, what === "quit", w.clock.now());
    } else if (what === "end") {
      model.end(one);
      await w.run(tree.endChild(one.id));
    } else if (what === "restart") {
      model.restart(one);
      await w.run(tree.restartChild(one.id));
    }
  }
  await w.advance(passMs);
}

describe("a tree behaves as OTP's supervisor", () => {
  for (const strategy of ["one-for-one", "one-for-all", "rest-for-one", "dynamic"] as const) {
    test(`${strategy}: the same starts and ends in the same order, and it gives up when that one would`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(restarts, { minLength: 1, maxLength: IDS.length }),
          fc.integer({ min: 0, max: 4 }),
          happenings,
          async (rules, maxRestarts, script) => {
            diary.length = 0;
            const w = await world(3);
            const model = new Model(strategy, maxRestarts);
            rules.forEach((restart, index) => model.add(IDS[index] as string, restart, false));
            const children = rules.map((restart, index) =>
              child(IDS[index] as string, { restart }),
            );
            const policy = { strategy, maxRestarts, within: WITHIN_MS };
            const tree = await w.run(w.at(0).registry.supervise("pool", { ...policy, children }));
            await w.advance(1_900);
            let number = 0;
            for (const happening of script) {
              if (model.gaveUp) break;
              await happen(w, tree, model, happening, number++);
              expect({ happening, diary }).toEqual({ happening, diary: model.diary });
              expect(shown(tree)).toBe(model.shown);
              expect(tree.whereis() === undefined).toBe(model.gaveUp);
            }
            await w.close();
          },
        ),
        { numRuns: RUNS, seed: 7 },
      );
    }, 60_000);
  }
});
