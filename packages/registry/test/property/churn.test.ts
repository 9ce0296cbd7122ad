/**
 * Churn: the whole registry over the memory twins, while nodes crash, restart, leave, are cut off and
 * come back, callers call, and names are started, moved and stopped. Faults rage, then everything heals; after
 * that, exactly one instance of each child runs, calls reach it, and the books balance: what was
 * reported as done ran once, what was reported as not done did not run, nothing ran twice.
 *
 * The seed of a failure stands in its message; `REGISTRY_SEED=<n>` replays that one alone, and
 * `REGISTRY_SEED=<from>-<to>` plays others than the usual ones.
 */
import { describe, expect, test } from "@jest/globals";
import { defineProcess, isFoundationError } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { ClusterRef } from "../../src/index.js";
import { runningAt, world, type World } from "../unit/runtime/world.js";

const SEEDS = 200;
const STEPS = 25;
const NAMES = ["a", "b", "c", "d"];

/** Moves that were done. */
let moves = 0;

/** How often each call ran, over all instances on all nodes. */
const ran = new Map<string, number>();

const ledger = defineProcess({
  name: "churn.ledger",
  init: () => ({ count: 0 }),
  call: {
    book: ({ state }, id: string) => {
      ran.set(id, (ran.get(id) ?? 0) + 1);
      state.count += 1;
      return id;
    },
    crash: () => {
      throw new Error("crashed by the test");
    },
  },
});

interface Outcome {
  readonly id: string;
  readonly code: string;
}

/** Codes after which a call provably did not run. */
const NOT_RUN = new Set([
  "ERR_NO_PROCESS",
  "ERR_NODE_UNREACHABLE",
  "ERR_TIMEOUT",
  "ERR_MAILBOX_FULL",
  "ERR_ABORTED",
  "ERR_CLOSED",
]);

async function churn(seed: number): Promise<void> {
  ran.clear();
  const random = seededRandom(`churn-${seed}`);
  const below = (limit: number) => Math.floor(random.next() * limit);
  const count = 2 + below(5);
  const w = await world(count, {
    random: random.fork("cluster"),
    latencyMs: 1 + below(40),
    detectionMs: below(400),
  });
  const outcomes: Outcome[] = [];
  const pending: Promise<void>[] = [];
  const alive = () => w.cluster.nodes.map((port) => w.nodes.findIndex((n) => n.port === port));
  const staying = () =>
    w.cluster.nodes.filter(({ membership }) => membership.self.status === "alive").length;
  const pick = () => {
    const places = alive();
    return places[below(places.length)] as number;
  };
  let calls = 0;

  const start = (place: number, name: string) => {
    const { registry } = w.at(place);
    const options = { name, distribute: true, ifRunning: "return", timeout: "2s" } as const;
    const startable = registry.startProcess(ledger, undefined, options);
    pending.push(startable.then(() => undefined, mustBeTyped));
  };
  const call = (place: number, name: string) => {
    const id = `${seed}-${++calls}`;
    const ref: ClusterRef<typeof ledger> = w.at(place).registry.process(ledger, name);
    const settled = ref.call("book", id, { timeout: "1s" }).then(
      () => void outcomes.push({ id, code: "ok" }),
      (error: unknown) => {
        mustBeTyped(error);
        outcomes.push({ id, code: (error as { code: string }).code });
      },
    );
    pending.push(settled);
  };

  for (const name of NAMES) start(pick(), name);
  await w.advance(500);
  for (let step = 0; step < STEPS; step++) {
    const place = pick();
    const name = NAMES[below(NAMES.length)] as string;
    switch (below(13)) {
      case 0:
        if (staying() > 1) w.cluster.down(place);
        break;
      case 1: {
        const dead = w.nodes.findIndex(({ port }) => !w.cluster.nodes.includes(port));
        w.cluster.restart(dead === -1 ? place : dead);
        w.boot(dead === -1 ? place : dead);
        break;
      }
      case 2:
        w.cluster.partition(alive().filter(() => random.next() < 0.5));
        break;
      case 3:
        w.cluster.heal();
        break;
      case 4:
        start(place, name);
        break;
      case 7:
      case 8: {
        const { registry } = w.at(place);
        const moving = registry.migrate(name, { to: w.at(pick()).port.id, timeout: "2s" });
        pending.push(moving.done.then(() => void (moves += 1), mustBeTyped));
        break;
      }
      case 6:
        if (staying() > 1) pending.push(leave(w, place));
        break;
      case 5:
        pending.push(
          w
            .at(place)
            .registry.process(ledger, name)
            .call("crash")
            .then(() => undefined, mustBeTyped),
        );
        break;
      default:
        for (let more = below(4); more >= 0; more--) call(pick(), name);
    }
    await w.advance(below(600));
  }
  await healAndCheck(w, start, call, outcomes);
  balance(outcomes);
  const failures = await Promise.all(pending.map((each) => settledWithin(each)));
  expect(failures.filter((failure) => failure !== undefined)).toEqual([]);
  await w.close();
}

/** What a promise was rejected with; nothing for one that resolved, or died with its node. */
function settledWithin(promise: Promise<void>): Promise<unknown> {
  const pendingStill = Promise.resolve().then(() => undefined);
  return Promise.race([
    promise.then(
      () => undefined,
      (error: unknown) => error,
    ),
    pendingStill,
  ]);
}

/** An orderly end: what the composition root does on SIGTERM. */
async function leave({ at, cluster }: World, place: number): Promise<void> {
  const { port, registry, kernel } = at(place);
  if (port.membership.self.status === "draining") return;
  cluster.drain(port);
  await registry.drain({ timeout: "2s" }).catch(mustBeTyped);
  await registry.close();
  await kernel.close();
  if (cluster.nodes.includes(port)) cluster.leave(port);
}

function mustBeTyped(error: unknown): void {
  if (!isFoundationError(error)) throw error;
}

async function healAndCheck(
  w: World,
  start: (place: number, name: string) => void,
  call: (place: number, name: string) => void,
  outcomes: readonly Outcome[],
): Promise<void> {
  w.cluster.heal();
  // Who is leaving has left by then.
  await w.advance(2_500);
  w.nodes.forEach(({ port }, place) => {
    if (w.cluster.nodes.includes(port)) return;
    w.cluster.restart(place);
    w.boot(place);
  });
  await w.advance(30_000);
  // A child whose only knower died with it, or that was given up, is started once more.
  for (const name of NAMES) if (runningAt(w, name).length === 0) start(0, name);
  await w.advance(5_000);
  for (const name of NAMES) {
    const places = runningAt(w, name);
    expect({ name, places }).toEqual({ name, places: [expect.any(Number)] });
    const host = w.at(places[0] as number).port.id;
    for (const { registry } of w.nodes) {
      expect(registry.lookup(name)?.pid.node).toBe(host);
      const specs = registry.children().filter(({ identity }) => identity === name);
      expect(specs).toMatchObject([{ owner: { node: host }, state: "running" }]);
    }
  }
  const before = outcomes.length;
  for (const name of NAMES) w.nodes.forEach((_, place) => call(place, name));
  await w.advance(2_000);
  const last = outcomes.slice(before);
  expect(last).toHaveLength(NAMES.length * w.nodes.length);
  for (const { code } of last) expect(code).toBe("ok");
}

function balance(outcomes: readonly Outcome[]): void {
  for (const { id, code } of outcomes) {
    const times = ran.get(id) ?? 0;
    if (code === "ok") expect({ id, code, times }).toEqual({ id, code, times: 1 });
    else if (NOT_RUN.has(code)) expect({ id, code, times }).toEqual({ id, code, times: 0 });
    else expect(times).toBeLessThanOrEqual(1);
  }
  for (const times of ran.values()) expect(times).toBe(1);
}

describe("churn", () => {
  const [first = 0, last = first] = (process.env.REGISTRY_SEED ?? `0-${SEEDS - 1}`)
    .split("-")
    .map(Number);
  const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  for (let from = 0; from < seeds.length; from += 25) {
    const some = seeds.slice(from, from + 25);
    test(`one instance each and balanced books after any churn, seeds from ${some[0]}`, async () => {
      moves = 0;
      for (const seed of some) {
        try {
          await churn(seed);
        } catch (error) {
          throw new Error(`REGISTRY_SEED=${seed} fails`, { cause: error });
        }
      }
      expect(moves).toBeGreaterThan(some.length === 25 ? 5 : -1);
    }, 60_000);
  }
});
