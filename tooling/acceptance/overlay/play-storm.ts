/** playStorm: all nodes start within a second and join through five seeds. */
import { stormed, type Joined, type WorldOrder } from "./joining.js";
import { foundIn, type Found } from "./played.js";

export interface StormOrder extends WorldOrder {
  /** Shuffles and rotation mix what a storm clusters: so long until it is looked at again. */
  readonly mixMs: number;
}

const SOURCES = 200;

export interface StormPlayed extends Found {
  readonly joined: Joined;
  /** Mean path right then, and when it has mixed. */
  readonly averagePath: number;
  readonly averagePathMixed: number;
}

export function playStorm(order: StormOrder): StormPlayed {
  const { world, joined } = stormed(order);
  const averagePath = world.graph().paths(world.random, SOURCES).average;
  world.run(order.mixMs);
  const averagePathMixed = world.graph().paths(world.random, SOURCES).average;
  return { joined, averagePath, averagePathMixed, ...foundIn(world) };
}
