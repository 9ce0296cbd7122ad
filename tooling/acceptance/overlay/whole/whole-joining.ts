/** How the nodes of a whole overlay come to be, through five that were there first; and that they list each other. */
import type { Joined } from "../joining.js";
import type { WholeNode, WholeWorld } from "./whole-world.js";

const SEEDS = 5;
/** One seed after the other, so that they are one. */
const SEED_EVERY_MS = 200;
const LOOK_EVERY_MS = 250;
const WITHIN_MS = 60_000;
/** Somebody waits: so many starts are told at once. */
const TOLD_EVERY = 200;

/** Starts so many nodes, one after the other. */
export async function rollOut(
  world: WholeWorld,
  nodes: number,
  everyMs: number,
  onPart: (what: string) => void = () => {},
): Promise<Joined> {
  const first = Math.min(SEEDS, nodes);
  for (let index = 0; index < first; index += 1) {
    world.start(nameOf(index), world.nodes.slice(0, 1));
    await world.run(SEED_EVERY_MS);
  }
  const later = Array.from({ length: nodes - first }, (_, index) => nameOf(first + index));
  for (let done = 0; done < later.length; done += TOLD_EVERY) {
    await startAll(world, later.slice(done, done + TOLD_EVERY), everyMs);
    onPart(`${world.nodes.length} of ${nodes} started`);
  }
  return joined(world);
}

/** Starts nodes of these names, one after the other, through some that are up. */
export async function startAll(
  world: WholeWorld,
  names: readonly string[],
  everyMs: number,
): Promise<void> {
  const seeds = world.up().slice(0, SEEDS);
  for (const name of names) {
    world.start(name, seeds);
    await world.run(everyMs);
  }
}

/** Lets time pass until all are one, and list each other. */
export async function joined(world: WholeWorld): Promise<Joined> {
  const began = world.now;
  const oneComponentMs = await world.until(() => world.isOne(), LOOK_EVERY_MS, WITHIN_MS);
  const messagesPerNode = world.tap.messages / world.nodes.length;
  const listed = await world.until(() => world.isListed(), LOOK_EVERY_MS, WITHIN_MS);
  const listedMs = listed === undefined ? undefined : world.now - began;
  return { oneComponentMs, messagesPerNode, listedMs };
}

/** Of the node that is started as such and such a one. */
export function nameOf(number: number): string {
  return `n${number}`;
}

export function pickUp(world: WholeWorld, nodes = world.up()): WholeNode {
  return nodes[world.random.uint32() % nodes.length] as WholeNode;
}
