/** World: what the parts of a play have in common. */
import type { Random } from "@foundation/core/ports";
import type { Weather } from "../processes/weather.js";
import type { CacheBook } from "./cache-book.js";
import type { NodesPlan, Sim } from "./cache-node.js";
import type { MoveMeter } from "./move-meter.js";
import type { Users } from "./users.js";

export interface World {
  readonly sim: Sim;
  readonly random: Random;
  readonly book: CacheBook;
  readonly users: Users;
  readonly weather: Weather;
  readonly meter: MoveMeter;
  readonly plan: NodesPlan;
  readonly counts: Record<string, number>;
  /** What the storm leaves alone. */
  readonly keeps: { readonly keepsMemory: boolean; readonly keepsTime: boolean };
}

const VIOLATIONS_SHOWN = 8;

export function tellWrong(where: string, wrong: readonly string[]): void {
  if (wrong.length === 0) return;
  const shown = wrong.slice(0, VIOLATIONS_SHOWN).join("\n");
  throw new Error(`${where}, ${wrong.length} wrong:\n${shown}`);
}
