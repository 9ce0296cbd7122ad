/**
 * `npm run sim -- [--seeds N] [--nodes 3..10] [--for 60s] [--self-check] [--json]`: plays the whole stack under faults,
 * one seed after the other, in virtual time. `SEED=… npm run sim` plays one again.
 *
 * Progress goes to the standard error. Each violation is printed with its seed, its virtual time, the last lines of the
 * trace and the command that replays it. The last line is one JSON object: `{ ok, aims: [{ name, target, value, met }],
 * … }`; with `--json` it is all that goes to the standard output. Exits 0 when every aim is met.
 */
import { performance } from "node:perf_hooks";
import { playSeed, type Played } from "../../acceptance/simulation/play-seed.js";
import { orderOf, usage, type Order } from "./order.js";

interface Verdict {
  readonly name: string;
  readonly target: number;
  readonly value: number;
  readonly met: boolean;
}

/** Seeds played twice by `--self-check`. */
const CHECKED_SEEDS = 20;
const SPEED_SEEDS = 3;

const order = orderOf(process.argv.slice(2), process.env);
if (order === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else {
  await run(order);
}

async function run(asked: Order): Promise<void> {
  const say = asked.json ? console.error : console.log;
  const startedMs = performance.now();
  const played = await playAll(asked, say);
  const failed = played.filter(({ violation }) => violation !== undefined);
  const aims: Verdict[] = [];
  aims.push({ name: "violations", target: 0, value: failed.length, met: failed.length === 0 });
  if (asked.selfCheck) aims.push(...(await selfCheck(asked, say)));
  const seconds = (performance.now() - startedMs) / 1_000;
  const virtualSeconds = sum(played, "virtualMs") / 1_000;
  for (const { name, target, value, met } of aims) {
    say(`${met ? "✓" : "✗"} ${name}: ${value} (aim ${target})`);
  }
  const report = {
    ok: aims.every(({ met }) => met),
    aims,
    seeds: played.length,
    failedSeeds: failed.map(({ seed }) => seed),
    virtualSeconds: Math.round(virtualSeconds),
    seconds: Math.round(seconds * 10) / 10,
    events: sum(played, "events"),
    faults: sum(played, "faults"),
    calls: sum(played, "calls"),
    published: sum(played, "published"),
    ...(played.length === 1 && { hash: played[0]?.hash }),
  };
  console.log(JSON.stringify(report));
  process.exitCode = report.ok ? 0 : 1;
}

async function playAll(asked: Order, say: (line: string) => void): Promise<readonly Played[]> {
  const played: Played[] = [];
  for (const [index, seed] of asked.seeds.entries()) {
    const one = await playSeed({ ...asked, seed, verbose: asked.trace });
    played.push(one);
    if (asked.trace) say(one.trace().join("\n"));
    if (one.violation !== undefined) say(`\n${one.violation}\n`);
    const failed = played.filter(({ violation }) => violation !== undefined).length;
    progress(
      `${index + 1}/${asked.seeds.length} seeds, ${failed} failed, ` +
        `${Math.round(sum(played, "virtualMs") / 1_000)} virtual seconds`,
    );
  }
  if (process.stderr.isTTY) process.stderr.write("\n");
  return played;
}

/** On a terminal the line is written over itself; in a log each tenth is enough. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${line}`);
  else if (/^\d*0\//.test(line)) process.stderr.write(`${line}\n`);
}

/** Equal seeds give equal traces, and how fast virtual time passes. */
async function selfCheck(asked: Order, say: (line: string) => void): Promise<readonly Verdict[]> {
  let equal = 0;
  for (let index = 0; index < CHECKED_SEEDS; index++) {
    const options = { ...asked, seed: `self-check-${index}` };
    const [first, second] = [await playSeed(options), await playSeed(options)];
    if (first.hash === second.hash) equal += 1;
    else say(`${options.seed} gave ${first.hash} and ${second.hash}`);
  }
  const target = CHECKED_SEEDS;
  return [
    { name: "equal hashes", target, value: equal, met: equal === target },
    await speed(asked, 5, 60),
    await speed(asked, 10, 30),
  ];
}

async function speed(asked: Order, nodes: number, target: number): Promise<Verdict> {
  let virtualMs = 0;
  const startedMs = performance.now();
  for (let index = 0; index < SPEED_SEEDS; index++) {
    const options = { seed: `speed-${index}`, forMs: asked.forMs };
    virtualMs += (await playSeed({ ...options, nodesMin: nodes, nodesMax: nodes })).virtualMs;
  }
  const value = Math.round(virtualMs / (performance.now() - startedMs));
  const name = `virtual seconds a second, ${nodes} nodes`;
  return { name, target, value, met: value >= target };
}

function sum(
  played: readonly Played[],
  of: "virtualMs" | "events" | "faults" | "calls" | "published",
): number {
  return played.reduce((total, one) => total + one[of], 0);
}
