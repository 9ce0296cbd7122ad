/** Hunt: plays a mutant's seeds in a process of its own and gives what caught it. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Mutant } from "./mutant.js";
import { ORDERS, type Game, type Line, type Orders } from "./orders.js";

/** How each seed is played. */
export const play = { nodesMin: 3, nodesMax: 6, forMs: 25_000 } as const;

/** Of groups of consensus, in turn. */
const VOTERS = [3, 5, 7] as const;

/** Far above what a seed takes without a bug: about one second of processor time. */
const SEED_MS_MAX = 40_000;

export interface HuntOptions {
  readonly games: readonly Game[];
  /** Processor time after which no further seed is begun, in milliseconds. */
  readonly budgetMs: number;
  /** Plays every seed, violated or not. */
  readonly all?: boolean;
}

/** What a mutant is hunted with: `count` seeds of the whole stack, or as many of each size of a group. */
export function gamesOf({ name, swarm, game = "stack" }: Mutant, count: number): readonly Game[] {
  const isGroup = game === "consensus";
  return Array.from({ length: isGroup ? count * VOTERS.length : count }, (_, index) => ({
    seed: `mutant-${name}-${index + 1}`,
    swarm,
    ...(game === "state" && { isState: true }),
    ...(game === "processes" && { isProcesses: true }),
    ...(game === "caches" && { isCaches: true }),
    ...(isGroup && { voters: VOTERS[index % VOTERS.length] as number }),
  }));
}

/**
 * Plays seeds with the mutant planted, or without one, and gives a line for each.
 * @throws when the player fails: the mutant was not planted, or its module does not load
 */
export async function hunt(
  mutant: Mutant | undefined,
  { games, budgetMs, all = false }: HuntOptions,
): Promise<readonly Line[]> {
  const planted = mutant?.name;
  const orders: Orders = { ...play, planted, games, budgetMs, all, seedMsMax: SEED_MS_MAX };
  const path = (relative: string) => new URL(relative, import.meta.url);
  const tsx = path("../../../node_modules/tsx/dist/loader.mjs").href;
  const child = spawn(
    process.execPath,
    [
      "--conditions=@foundation/source",
      ...["--import", path("./plant-loader.mjs").href],
      ...["--import", tsx],
      fileURLToPath(path("./player.ts")),
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        [ORDERS]: JSON.stringify(orders),
        MUTANT: mutant && JSON.stringify(mutant),
      },
    },
  );
  const lines: Line[] = [];
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-4_000);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  for await (const text of createInterface({ input: child.stdout })) {
    if (text.startsWith("{")) lines.push(JSON.parse(text) as Line);
  }
  const code = await ended;
  const cutOff = lines.at(-1)?.violation?.startsWith("does not end") === true;
  if (code !== 0 && !cutOff) {
    throw new Error(`The player of ${planted ?? "the control"} ended with ${code}: ${complaint}`);
  }
  return lines;
}
