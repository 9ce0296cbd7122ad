/** What recipes promise while requests are lost, late or unanswered, and clients stand still, are cut off or die. */
import { describe, expect, jest, test } from "@jest/globals";
import {
  checkLinearizable,
  createHistoryRecorder,
  type HistoryRecorder,
  keyValueModel,
  type KeyValueInput,
  type KeyValueOutput,
  type LockInput,
  lockModel,
  type LockOutput,
} from "@foundation/testkit";
import type { SequentialModel } from "@foundation/testkit";
import { createFence, type Fence, type Hold, type NameLanding } from "../../../src/index.js";
import { type Client, RecipeWorld, seeds } from "./recipe-world.js";

if (process.env["RECIPE_SEEDS"] !== undefined) jest.setTimeout(3_600_000);

const STORM_MS = 30_000;
const CALM_MS = 25_000;
const TTL_MS = 2_000;

describe("whatever happens to requests and clients", () => {
  test.each(seeds("lock", 6))(
    "locks exclude by lease and token, and nobody waits for ever (%s)",
    playLocks,
  );
  test.each(seeds("semaphore", 3))(
    "permits never exceed the limit, and nobody waits for ever (%s)",
    playSemaphores,
  );
  test.each(seeds("election", 4))(
    "one leads at a time, with growing tokens, and in the end the best (%s)",
    playElections,
  );
  test.each(seeds("barrier", 3))(
    "a barrier lets go exactly as many as it counts (%s)",
    playBarriers,
  );
  test.each(seeds("sequence", 2))(
    "no number comes twice, and later calls get greater ones (%s)",
    playSequences,
  );
  test.each(seeds("names", 4))(
    "a name has one owner, with growing tokens, also when it moves (%s)",
    playNames,
  );
  test.each(seeds("kv", 3))("the key-value store is linearizable (%s)", playKv);
});

async function playLocks(seed: string): Promise<void> {
  const world = new RecipeWorld(seed, 4);
  const history = createHistoryRecorder<LockInput, LockOutput>({ clock: world.clock });
  const fences = new Map<string, Fence>();
  const held = new Set<Hold>();
  const grants = new Map<string, number>();
  const take = async (client: Client, name: string) => {
    const { random, recipes, process } = client;
    const acquiring = history.invoke({
      process: client.name,
      key: name,
      input: { type: "acquire" },
    });
    // One who loses its lease while it waits stands at the end again: it may have headed the line unseen before.
    const before = history.invoke({ process: client.name, key: name, input: { type: "acquire" } });
    const startedAt = world.clock.now();
    const isTry = random.next() < 0.3;
    let lock: Hold | undefined;
    try {
      const timeout = world.isStormy ? 200 + random.next() * 8_000 : 30_000;
      lock = isTry
        ? await recipes.locks.tryAcquire(name, { ttl: TTL_MS, timeout })
        : await recipes.locks.acquire(name, { ttl: TTL_MS, timeout });
    } catch {
      return acquiring.unknown();
    } finally {
      if (world.clock.now() - startedAt < TTL_MS / 2) before.notApplied();
    }
    if (!lock) return acquiring.ok(null);
    const { token } = lock;
    acquiring.ok(token);
    held.add(lock);
    grants.set(name, (grants.get(name) ?? 0) + 1);
    for (let uses = random.next() * 3; uses > 0; uses -= 1) {
      await process.clock.sleep(random.next() * 600);
      const use = history.invoke({
        process: client.name,
        key: name,
        input: { type: "use", token },
      });
      use.ok(passes(fences, name, token));
    }
    const release = history.invoke({
      process: client.name,
      key: name,
      input: { type: "release", token },
    });
    await lock.release();
    held.delete(lock);
    release.ok();
  };
  for (const client of world.clients) {
    void loop(world, client, () => take(client, client.random.next() < 0.7 ? "x" : "y"));
  }
  await world.run(STORM_MS, 0, () => expectExclusive(held));
  const before = new Map(grants);
  await world.run(0, CALM_MS, () => expectExclusive(held));
  for (const name of before.keys()) expect(grants.get(name)).toBeGreaterThan(before.get(name) ?? 0);
  await expectLinearizable(history, lockModel());
}

async function playSemaphores(seed: string): Promise<void> {
  const world = new RecipeWorld(seed, 4);
  const held = new Map<Hold, number>();
  const done = new Map<string, number>();
  const check = () => {
    let taken = 0;
    for (const [hold, permits] of held) if (hold.isHeld) taken += permits;
    expect(taken).toBeLessThanOrEqual(3);
  };
  const take = async ({ name, random, recipes, process }: Client) => {
    const permits = 1 + Math.floor(random.next() * 3);
    const timeout = world.isStormy ? 8_000 : 30_000;
    const options = { limit: 3, permits, ttl: TTL_MS, timeout };
    const permit = await recipes.semaphores.acquire("s", options);
    held.set(permit, permits);
    await process.clock.sleep(random.next() * 800);
    await permit.release();
    held.delete(permit);
    if (!world.isStormy) done.set(name, (done.get(name) ?? 0) + 1);
  };
  for (const client of world.clients) void loop(world, client, () => take(client));
  await world.run(STORM_MS, CALM_MS, check);
  for (const { name } of world.living) expect(done.get(name)).toBeGreaterThan(2);
}

async function playElections(seed: string): Promise<void> {
  const world = new RecipeWorld(seed, 4);
  let newest = 0;
  const campaigns = world.clients.map(({ recipes, process, name }, preference) => {
    const settings = { ttl: TTL_MS, preference, settle: 1_000, grace: 300 };
    const campaign = recipes.elections.campaign("e", settings);
    void (async () => {
      for await (const term of campaign) term.signal.addEventListener("abort", () => term.done());
    })();
    return { campaign, process, name };
  });
  let leader: string | undefined;
  await world.run(STORM_MS, CALM_MS, () => {
    const leading = campaigns.filter(({ campaign }) => campaign.isLeader);
    expect(leading.length).toBeLessThanOrEqual(1);
    leader = leading[0]?.name;
    const token = leading[0]?.campaign.token ?? newest;
    expect(token).toBeGreaterThanOrEqual(newest);
    newest = token;
  });
  expect(leader).toBe(world.living.at(-1)?.name);
}

async function playBarriers(seed: string): Promise<void> {
  const world = new RecipeWorld(seed, 5);
  /** By generation, who left and who may have left without knowing. */
  const left = new Map<number, number>();
  let cutOff = 0;
  let calm = 0;
  const meet = async ({ random, recipes }: Client) => {
    try {
      // Often so short that it gives up just when the barrier opens.
      const patienceMs = random.next() < 0.5 ? 5 + random.next() * 60 : 500 + random.next() * 6_000;
      const timeout = world.isStormy ? patienceMs : 30_000;
      const generation = await recipes.barriers.wait("b", 2, { ttl: TTL_MS, timeout });
      left.set(generation, (left.get(generation) ?? 0) + 1);
      if (!world.isStormy) calm += 1;
    } catch (error) {
      if ((error as { code?: string }).code === "ERR_LEASE_LOST") cutOff += 1;
    }
  };
  for (const client of world.clients) void loop(world, client, () => meet(client));
  await world.run(STORM_MS, CALM_MS, () => undefined);
  expect(Math.max(...left.values())).toBe(2);
  const short = [...left.values()].filter((count) => count < 2).length;
  const dead = world.clients.length - world.living.length;
  // One of a pair may be told later, be gone, or have lost its lease as the barrier opened.
  expect(short).toBeLessThanOrEqual(cutOff + dead + world.living.length);
  expect(calm).toBeGreaterThan(20);
}

async function playSequences(seed: string): Promise<void> {
  const world = new RecipeWorld(seed, 4);
  const taken: { readonly startedAt: number; readonly endedAt: number; readonly number: number }[] =
    [];
  let moment = 0;
  const next = async ({ recipes }: Client) => {
    moment += 1;
    const startedAt = moment;
    const number = await recipes.sequences.next("s", { timeout: 5_000 });
    moment += 1;
    taken.push({ startedAt, endedAt: moment, number });
  };
  for (const client of world.clients) void loop(world, client, () => next(client));
  await world.run(10_000, 2_000, () => undefined);
  expect(taken.length).toBeGreaterThan(30);
  const numbers = taken.map(({ number }) => number);
  expect(new Set(numbers).size).toBe(numbers.length);
  // In the order of their ends, none may be greater than one that began after.
  let greatestEnded = 0;
  const byStart = [...taken].sort((a, b) => a.startedAt - b.startedAt);
  const byEnd = [...taken].sort((a, b) => a.endedAt - b.endedAt);
  let ended = 0;
  for (const { startedAt, number } of byStart) {
    for (let each = byEnd[ended]; each && each.endedAt < startedAt; each = byEnd[ended]) {
      greatestEnded = Math.max(greatestEnded, each.number);
      ended += 1;
    }
    expect(number).toBeGreaterThan(greatestEnded);
  }
}

async function playNames(seed: string): Promise<void> {
  const world = new RecipeWorld(seed, 4);
  const held = new Set<{ readonly name: string; readonly isHeld: boolean }>();
  const grants: number[] = [];
  let calm = 0;
  const succeed = async (
    { recipes, process, random }: Client,
    onReady: (landing: NameLanding) => void,
  ) => {
    const pad = await recipes.names.prepare<string>("n", { ttl: TTL_MS, timeout: 4_000 });
    onReady(pad.landing);
    try {
      const successor = await pad.landed({ timeout: 3_000 });
      held.add(successor);
      grants.push(successor.token);
      await process.clock.sleep(random.next() * 500);
      await successor.release();
    } catch {
      await pad.close();
    }
  };
  const own = async ({ name, random, recipes, process }: Client) => {
    const timeout = world.isStormy ? 4_000 : 30_000;
    const claim = await recipes.names.acquire("n", name, { ttl: TTL_MS, timeout });
    if (!claim) return;
    held.add(claim);
    grants.push(claim.token);
    if (!world.isStormy) calm += 1;
    await process.clock.sleep(random.next() * 1_500);
    const other = world.living[Math.floor(random.next() * world.living.length)] as Client;
    if (random.next() < 0.4 && claim.isHeld) {
      // The successor runs by itself: the owner goes on also if it dies.
      const landing = new Promise<NameLanding>((resolve) => {
        succeed(other, resolve).catch(() => undefined);
      });
      const ready = await Promise.race([landing, process.clock.sleep(2_000)]);
      if (ready) await claim.moveTo(ready, other.name).catch(() => undefined);
    }
    await claim.release();
  };
  for (const client of world.clients) void loop(world, client, () => own(client));
  await world.run(STORM_MS, CALM_MS, () => expectExclusive(held));
  expect(new Set(grants).size).toBe(grants.length);
  expect(calm).toBeGreaterThan(5);
}

async function playKv(seed: string): Promise<void> {
  const world = new RecipeWorld(seed, 3);
  const history = createHistoryRecorder<KeyValueInput<number>, KeyValueOutput<number>>({
    clock: world.clock,
  });
  let value = 0;
  const ask = async ({ name, random, recipes: { kv } }: Client) => {
    const key = random.next() < 0.5 ? "x" : "y";
    const record = (input: KeyValueInput<number>, run: () => Promise<KeyValueOutput<number>>) =>
      history.record({ process: name, key, input }, run);
    const dice = random.next();
    value += 1;
    const next = value;
    if (dice < 0.4) await record({ type: "get" }, async () => (await kv.get<number>(key)) ?? null);
    else if (dice < 0.6) {
      // What a put answers, a revision, is no part of the model.
      const put = history.invoke({ process: name, key, input: { type: "put", value: next } });
      await kv.put(key, next).then(
        () => put.ok(),
        (error: { retryable?: boolean }) => (error.retryable ? put.notApplied() : put.unknown()),
      );
    } else if (dice < 0.7) await record({ type: "delete" }, () => kv.delete(key));
    else {
      const expected = await kv.get<number>(key);
      const input = { type: "compareAndSet", expected: expected ?? null, value: next } as const;
      await record(input, () => kv.compareAndSet(key, expected, next));
    }
  };
  for (const client of world.clients) void loop(world, client, () => ask(client));
  await world.run(20_000, 5_000, () => undefined);
  expect(history.operations().length).toBeGreaterThan(100);
  await expectLinearizable(history, keyValueModel<number>());
}

/** Does something again and again, until the client dies. */
async function loop(world: RecipeWorld, client: Client, run: () => Promise<void>): Promise<void> {
  while (!client.process.isDead) {
    await run().catch(() => undefined);
    await client.process.clock.sleep(client.random.next() * (world.isStormy ? 100 : 400));
  }
}

function expectExclusive(held: Set<{ readonly name: string; readonly isHeld: boolean }>): void {
  const names = new Set<string>();
  for (const hold of held) {
    if (!hold.isHeld) continue;
    expect(names).not.toContain(hold.name);
    names.add(hold.name);
  }
}

function passes(fences: Map<string, Fence>, name: string, token: number): boolean {
  const fence = fences.get(name) ?? createFence({ resource: name });
  fences.set(name, fence);
  try {
    fence.pass(token);
    return true;
  } catch {
    return false;
  }
}

async function expectLinearizable<S, I, O>(
  history: HistoryRecorder<I, O>,
  model: SequentialModel<S, I, O>,
): Promise<void> {
  const result = await checkLinearizable(history.operations(), model, { timeLimit: "20s" });
  if (result.ok === false) throw new Error(result.rendering);
  if (result.ok === undefined) throw new Error(result.unknown);
}
