/**
 * Determinism: one seed plays the same, event for event, in another process, on another checkout, in another time zone;
 * and something else as soon as one line of a protocol is changed, or the hashes would prove nothing.
 */
import type { Order } from "./order.js";
import { OtherCheckout, type Change } from "./other-checkout.js";
import { poolSettings } from "./processes.js";
import { atLeast, type Aim } from "./report.js";
import type { Screen } from "./screen.js";
import { playsOf } from "./seeds.js";
import { WorkerPool } from "./worker-pool.js";

/** What `--hashes` plays for the check, here and elsewhere: many seeds, each small. */
const played = { prefix: "check", nodesMin: 3, nodesMax: 6, forMs: 10_000 } as const;
const playedArguments = ["--nodes", "3..6", "--for", "10s", "--prefix", played.prefix] as const;

/** A node watches one neighbour instead of three: still a failure detector, yet another protocol. */
export const protocolChange: Change = {
  file: "packages/overlay/src/protocol/membership/limits.ts",
  find: "successorsWatched: 3,",
  replace: "successorsWatched: 1,",
};

/** Hashes by seed. */
type Hashes = ReadonlyMap<string, string>;

export async function checkDeterminism(
  order: Order,
  screen: Screen,
  signal: AbortSignal,
): Promise<readonly Aim[]> {
  const { count = 0 } = order;
  const aim = (name: string, value: number | undefined) => atLeast(name, count, value);
  const names = {
    twice: "determinism: seeds with equal hashes in different processes",
    elsewhere: "determinism: seeds with equal hashes on another checkout",
    changed: "determinism: seeds whose hash a changed line of a protocol changes",
  };
  const settings = { ...order, ...played };
  screen.tell(`playing ${count} seeds twice, in different processes`);
  const first = await hashesOf(settings, screen, signal);
  const second = await hashesOf(settings, screen, signal);
  const aims = [aim(names.twice, equalHashes(first, second, screen))];
  let checkout: OtherCheckout | undefined;
  try {
    signal.throwIfAborted();
    screen.tell("cloning the repository into a temporary folder, and playing them there");
    checkout = await OtherCheckout.create(signal);
    const args = ["--hashes", "--seeds", `${count}`, "--jobs", `${order.jobs}`, ...playedArguments];
    // A machine elsewhere has another clock and another language too.
    const env = { TZ: "Asia/Tokyo", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" };
    const elsewhere = hashesIn(await checkout.sim(args, env));
    aims.push(aim(names.elsewhere, equalHashes(first, elsewhere, screen)));
    const { file, find, replace } = protocolChange;
    screen.tell(`the same with ${replace} instead of ${find} in ${file}`);
    checkout.change(protocolChange);
    const afterwards = hashesIn(await checkout.sim(args, env));
    const differ = [...first].filter(([seed, hash]) => isOther(hash, afterwards.get(seed)));
    aims.push(aim(names.changed, differ.length));
  } catch (error) {
    if (!signal.aborted) screen.say(error instanceof Error ? error.message : String(error));
    for (const name of [names.elsewhere, names.changed].slice(aims.length - 1)) {
      aims.push(aim(name, undefined));
    }
  } finally {
    checkout?.remove();
  }
  return aims;
}

/** `--hashes`: for a person or a program to compare. */
export async function printHashes(
  order: Order,
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  for (const [seed, hash] of await hashesOf(order, screen, signal)) console.log(`${seed} ${hash}`);
}

/** Seeds that did not come to their end have no hash. */
async function hashesOf(order: Order, screen: Screen, signal: AbortSignal): Promise<Hashes> {
  const hashes = new Map<string, string>();
  const plays = [...playsOf(order)];
  const pool = new WorkerPool(poolSettings(order, (line) => screen.status(line), signal));
  const tasks = plays.map((options) => ({ type: "stack", options }) as const);
  await pool.play(tasks, ({ seed, hash, violation }) => {
    if (hash !== undefined) hashes.set(seed, hash);
    else screen.tell(`seed ${seed} has no hash: ${violation}`);
  });
  // In the order of the seeds, not of their ends.
  return new Map(plays.map(({ seed }) => [seed, hashes.get(seed) ?? "none"]));
}

function hashesIn(text: string): Hashes {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => {
      const [seed = "", hash = ""] = line.split(" ");
      return [seed, hash];
    }),
  );
}

function equalHashes(one: Hashes, other: Hashes, screen: Screen): number {
  const different = [...one].filter(([seed, hash]) => hash !== other.get(seed) || hash === "none");
  for (const [seed, hash] of different.slice(0, 5)) {
    screen.say(`seed ${seed} gave ${hash} and ${other.get(seed)}`);
  }
  return one.size - different.length;
}

function isOther(hash: string, other: string | undefined): boolean {
  return other !== undefined && other !== "none" && hash !== "none" && hash !== other;
}
