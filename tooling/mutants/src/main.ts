/**
 * `npm run sim:mutants -- [--seeds 150] [--only name,name] [--json]`: does the simulator find bugs?
 *
 * Plants each mutant of the catalogue, alone, and plays seeds until one of them is violated. Then
 * the very seeds that caught something are played without any mutant and must pass, or the catch
 * would mean nothing. Progress goes to the standard error. The last line is one JSON object:
 * `{ ok, aims: [{ name, target, value, met }], mutants: [{ name, caught, seed, seeds, check }] }`;
 * with `--json` it is all that goes to the standard output. Exits 0 when every aim is met.
 */
import { aimText } from "../../sim/src/report.js";
import { catalogue } from "./catalogue/index.js";
import { gamesOf, hunt } from "./hunt.js";
import type { Mutant } from "./mutant.js";
import { orderOf, usage, type Order } from "./order.js";
import { checkOf, reportOf, type Verdict } from "./verdict.js";

const order = orderOf(process.argv.slice(2));
if (typeof order === "string") {
  console.error(`${order}\n${usage}`);
  process.exitCode = 2;
} else {
  await run(order);
}

async function run(asked: Order): Promise<void> {
  const say = asked.json ? console.error : console.log;
  const { mutants } = asked;
  let done = 0;
  const verdicts = await inParallel(mutants, asked.jobs, async (mutant) => {
    const verdict = await judge(mutant, asked);
    done += 1;
    console.error(`${done}/${mutants.length} ${sentenceOf(verdict)}`);
    return verdict;
  });
  const tainted = await control(verdicts, asked);
  const report = reportOf(verdicts, tainted, catalogue.length);
  for (const mutant of mutants) say(told(mutant, verdicts, tainted));
  for (const aim of report.aims) say(aimText(aim));
  console.log(JSON.stringify(report));
  process.exitCode = report.ok ? 0 : 1;
}

async function judge(mutant: Mutant, { seeds, budgetMs }: Order): Promise<Verdict> {
  const { name, missed } = mutant;
  const lines = await hunt(mutant, { games: gamesOf(mutant, seeds), budgetMs });
  const cpuMs = lines.reduce((sum, line) => sum + line.cpuMs, 0);
  const last = lines.at(-1);
  if (last?.violation === undefined) {
    const why = missed ?? "no check was violated";
    return { name, caught: false, seeds: lines.length, cpuMs, why };
  }
  const check = checkOf(last.violation);
  return { name, caught: true, seed: last.seed, seeds: lines.length, check, cpuMs };
}

/** Plays the seeds that caught something without a mutant; gives those that are violated too. */
async function control(verdicts: readonly Verdict[], asked: Order): Promise<ReadonlySet<string>> {
  const games = asked.mutants.flatMap((mutant, index) => {
    const { seed } = verdicts[index] as Verdict;
    return gamesOf(mutant, asked.seeds).filter((game) => game.seed === seed);
  });
  const parts = Array.from({ length: asked.jobs }, (_, part) =>
    games.filter((_game, index) => index % asked.jobs === part),
  ).filter((part) => part.length > 0);
  const tainted = new Set<string>();
  await inParallel(parts, asked.jobs, async (part) => {
    const budgetMs = Number.MAX_SAFE_INTEGER;
    for (const { seed, violation } of await hunt(undefined, { games: part, budgetMs, all: true })) {
      if (violation === undefined) continue;
      tainted.add(seed);
      console.error(`The control fails: ${violation}`);
    }
  });
  console.error(`control: ${games.length - tainted.size} of ${games.length} seeds pass unmutated`);
  return tainted;
}

async function inParallel<Item, Result>(
  items: readonly Item[],
  jobs: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Map<Item, Result>();
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      results.set(item, await work(item));
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return items.map((item) => results.get(item) as Result);
}

function sentenceOf({ name, caught, seed, seeds, check, why }: Verdict): string {
  const count = `${seeds} ${seeds === 1 ? "seed" : "seeds"}`;
  return caught
    ? `${name} caught by ${seed} after ${count}: ${check}`
    : `${name} survived ${count}: ${why}`;
}

function told(
  { name, file, bug, breaks }: Mutant,
  verdicts: readonly Verdict[],
  tainted: ReadonlySet<string>,
): string {
  const verdict = verdicts.find((each) => each.name === name) as Verdict;
  const isTainted = verdict.seed !== undefined && tainted.has(verdict.seed);
  const mark = verdict.caught && !isTainted ? "✓" : "✗";
  const note = isTainted ? "\n  but that seed fails without the mutant too" : "";
  return `${mark} ${sentenceOf(verdict)}${note}\n  ${file}: ${bug}\n  breaks: ${breaks}`;
}
