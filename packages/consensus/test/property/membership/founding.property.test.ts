/**
 * Foundings, every order of events of small worlds: a group is founded once, and everybody finds it.
 */
import { expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { standingOf } from "../../../src/membership/protocol/founding-knowledge.js";
import { found } from "../../../src/membership/protocol/founding.js";
import type { FoundingSource } from "../../../src/membership/protocol/founding-state.js";
import {
  arbitrate,
  deliver,
  hear,
  idOf,
  judge,
  keyOf,
  restart,
  settled,
  tick,
  wipe,
  worldOf,
  write,
  type Bounds,
  type Post,
  type World,
} from "./founding-world.js";

interface Explored {
  readonly worlds: number;
  /** Worlds of which it was looked how they end when all goes well from there. */
  readonly ended: number;
  /** Of these, how many ended with everybody in one group. */
  readonly joined: number;
}

const NAMES = ["a", "b", "c"];
const voters = (names: readonly string[]): FoundingSource => ({ type: "voters", names });

function nextOf(world: World, bounds: Bounds): readonly World[] {
  const next: World[] = [];
  for (const post of world.posts.values()) {
    const node = world.nodes.find(({ state }) => state.setup.self.id === post.to);
    const isTokenLeft = (node?.state.tokens ?? 0) < bounds.tokens;
    if (post.message.type !== "ask" || isTokenLeft) next.push(deliver(world, post));
  }
  world.nodes.forEach((_, node) => {
    if (world.ticks < bounds.ticks) next.push(tick(world, node));
    if (world.crashes < bounds.crashes) next.push(restart(world, node));
    if (world.wipes < bounds.wipes) next.push(wipe(world, node));
    next.push(write(world, node));
    world.nodes.forEach((_, other) => {
      if (other !== node) next.push(hear(world, node, other));
    });
    if (world.consulting[node]) {
      const told = arbitrate(world, node);
      // The answer may be lost.
      next.push(told, judge(told, node));
    }
  });
  return next.filter((found) => found !== world);
}

function refuseHarm(world: World): void {
  for (const [disk, groups] of Object.entries(world.accepted)) {
    if (groups.length > 1) throw new Error(`the disk ${disk} accepted ${groups.join(" and ")}`);
  }
  const formed = Object.entries(world.formed);
  for (const [group, disks] of formed) {
    for (const [other, others] of formed) {
      if (group === other) continue;
      if (world.wipes < disks.length) throw new Error(`${group} and ${other} were both founded`);
      const shared = disks.find((id) => others.includes(id));
      if (shared !== undefined) throw new Error(`${shared} is in both ${group} and ${other}`);
    }
  }
  const begun = world.nodes.map(({ state }) => state);
  for (const { record, setup } of begun) {
    if (!record || record.phase !== "formed") continue;
    const own = record.voters.some(({ id }) => id === setup.self.id);
    if (!own) throw new Error(`${setup.self.id} founded a group that it is no first voter of`);
  }
}

/** All are in one group, or somebody is told what to do. */
function isHappyEnd(world: World): boolean {
  const groups = new Set(world.nodes.map(({ state }) => state.record?.group));
  const all = world.nodes.every(({ state }) => standingOf(state).type === "decided");
  if (all && groups.size === 1) return true;
  const isTold = world.nodes.some(({ state }) => standingOf(state).type === "stuck");
  if (!isTold) {
    const told = world.nodes.map(
      ({ name, state }) => `${name}: ${JSON.stringify(standingOf(state))}`,
    );
    throw new Error(`nobody is told why it does not go on: ${told.join("; ")}`);
  }
  return false;
}

/** Every world that can be reached within the bounds. */
function explore(first: World, bounds: Bounds, everyEnd: number): Explored {
  const seen = new Set<string>();
  const stack = [first];
  let ended = 0;
  let joined = 0;
  for (let world = stack.pop(); world; world = stack.pop()) {
    const key = keyOf(world);
    if (seen.has(key)) continue;
    seen.add(key);
    refuseHarm(world);
    if (seen.size % everyEnd === 0) {
      const end = settled(world);
      refuseHarm(end);
      ended += 1;
      if (isHappyEnd(end)) joined += 1;
    }
    stack.push(...nextOf(world, bounds));
  }
  return { worlds: seen.size, ended, joined };
}

/** One run of chance, to its end. */
function walk(first: World, bounds: Bounds, steps: number, seed: string): boolean {
  const random = seededRandom(seed);
  let world = first;
  for (let step = 0; step < steps; step += 1) {
    const next = nextOf(world, bounds);
    const chosen = next[Math.floor(random.next() * next.length)];
    if (!chosen) break;
    world = chosen;
    refuseHarm(world);
  }
  const end = settled(world);
  refuseHarm(end);
  return isHappyEnd(end);
}

/** Minutes of processor time, and a few million worlds. */
const deep = process.env["FOUNDING_DEEP"] === "1";

test("three first voters found one group in every order of events, with a crash at every point", () => {
  const sources = NAMES.map(() => voters(NAMES));
  const bounds = { ticks: 2, crashes: deep ? 2 : 1, wipes: 0, tokens: deep ? 2 : 1 };
  const { worlds, ended, joined } = explore(worldOf(NAMES, sources), bounds, 500);
  if (deep) console.log(`${worlds} worlds`);
  expect(worlds).toBeGreaterThan(10_000);
  // Without a lost disk, it always goes well in the end.
  expect(joined).toBe(ended);
});

test("a disk that is wiped at any point never leads to a second group, and somebody is told what to do", () => {
  const names = deep ? NAMES : ["a", "b"];
  const sources = names.map(() => voters(names));
  const bounds = { ticks: 2, crashes: deep ? 0 : 1, wipes: 1, tokens: 1 };
  const { worlds, ended, joined } = explore(worldOf(names, sources), bounds, 50);
  if (deep) console.log(`${worlds} worlds`);
  expect(worlds).toBeGreaterThan(1_000);
  expect(joined).toBeGreaterThan(0);
  expect(joined).toBeLessThan(ended);
});

test.each([
  ["a list of five, two disks wiped", ["a", "b", "c", "d", "e"], 2, "list"],
  ["a list of three, two disks wiped", NAMES, 2, "list"],
  ["two lists that differ", NAMES, 0, "quarrel"],
  ["an arbiter", NAMES, 0, "arbiter"],
  ["an arbiter, a disk wiped", NAMES, 1, "arbiter"],
] as const)("no group is founded twice: %s", (_, names, wipes, kind) => {
  const list = voters(names);
  const shorter = voters(names.slice(1));
  const quarrel = [list, shorter, list];
  const arbiter = { type: "arbiter" as const };
  const sources = names.map((_name, i) => {
    return kind === "list" ? list : kind === "arbiter" ? arbiter : (quarrel[i] ?? list);
  });
  const bounds = { ticks: 20, crashes: 3, wipes, tokens: 3 };
  let joined = 0;
  for (let seed = 1; seed <= (deep ? 2_000 : 24); seed += 1) {
    const first = worldOf(names, sources);
    if (walk(first, bounds, seed * 5, `${kind} ${wipes} ${seed}`)) joined += 1;
  }
  if (kind === "quarrel") expect(joined).toBe(0);
  else expect(joined).toBeGreaterThan(0);
});

/** a and b accept a group that c never hears of; then a and b get new disks, and all goes well from there. */
function withoutC(core: typeof found): World {
  const all = NAMES.map(() => voters(NAMES));
  let world = tick(worldOf(NAMES, all, core), 0);
  const deliverAll = (isMeant: (post: Post) => boolean): void => {
    for (const post of world.posts.values()) if (isMeant(post)) world = deliver(world, post);
  };
  deliverAll(({ message }) => message.type === "ask");
  deliverAll(({ message }) => message.type === "answer");
  world = write(world, 0);
  deliverAll(({ to, message }) => message.type === "offer" && to === idOf(1, 0));
  world = write(write(hear(write(world, 1), 0, 1), 0), 0);
  world = hear(world, 1, 0);
  world = write(world, 1);
  refuseHarm(world);
  // Whatever was on its way is lost.
  return settled({ ...wipe(wipe(world, 0), 1), posts: new Map() });
}

test("a core that takes most for all would found two groups, and this world sees it", () => {
  const most: typeof found = (state, input) => {
    const step = found(state, input);
    const { record, writing, accepted } = step.state;
    if (record?.phase !== "accepted" || writing || accepted.length < 2) return step;
    const formed = { ...record, phase: "formed" as const };
    return { ...step, state: { ...step.state, writing: formed }, write: formed };
  };
  expect(() => refuseHarm(withoutC(most))).toThrow(/were both founded/);
  const sound = withoutC(found);
  refuseHarm(sound);
  expect(Object.keys(sound.formed)).toHaveLength(1);
  expect(isHappyEnd(sound)).toBe(true);
});

test("a disk that forgets what it accepted accepts twice, and this world sees it", () => {
  const forgetful: typeof found = (state, input) => {
    const { record, writing, setup } = state;
    const isForgotten = setup.self.name === "b" && record?.phase === "accepted" && !writing;
    return found(isForgotten ? { ...state, record: undefined } : state, input);
  };
  const seeds = Array.from({ length: 200 }, (_, seed) => seed);
  const bounds = { ticks: 20, crashes: 2, wipes: 2, tokens: 3 };
  const first = (): World =>
    worldOf(
      NAMES,
      NAMES.map(() => voters(NAMES)),
      forgetful,
    );
  expect(() => {
    for (const seed of seeds) walk(first(), bounds, 150, `forgetful ${seed}`);
  }).toThrow(/accepted .* and /);
});
