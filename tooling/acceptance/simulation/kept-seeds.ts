/** Kept seeds: runs that failed once, with what they found. Each is played again by the tests. */
import { readFileSync } from "node:fs";
import type { PlayOptions } from "./play-seed.js";

/** Where it stands with a plan and a swarm of its own, the run stays what it was when drawing changes. */
export interface KeptSeed extends Omit<PlayOptions, "also" | "verbose"> {
  /** One sentence: what was wrong. */
  readonly found: string;
}

const FILE = new URL("../../sim/seeds.json", import.meta.url);

export function keptSeeds(): readonly KeptSeed[] {
  return JSON.parse(readFileSync(FILE, "utf8")) as readonly KeptSeed[];
}
