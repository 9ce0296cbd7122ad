/**
 * The chaos run of consensus: voters as processes in network namespaces, clients that write down all they were told, faults
 * for as long as wanted; then everything is mended, every key is read, and the history is judged.
 */
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "@foundation/core/testing";
import { checkLinearizable, keyValueModel } from "@foundation/testkit";
import { builtProgram } from "../../../bench/src/processes/built-program.js";
import { Clients } from "./clients.js";
import { strike } from "./faults.js";
import type { Input, Output } from "./messages.js";
import { lostWrites } from "./losses.js";
import { Voters } from "./voters.js";

export interface ChaosOptions {
  readonly minutes: number;
  readonly voters: number;
  readonly clients: number;
  readonly seed: string;
  readonly say: (line: string) => void;
}

export interface Aim {
  readonly name: string;
  readonly bound: "at most" | "at least";
  readonly target: number;
  readonly value: number;
  readonly met: boolean;
}

export interface ChaosReport {
  readonly ok: boolean;
  readonly aims: readonly Aim[];
  readonly seed: string;
  readonly minutes: number;
  readonly voters: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly requests: Readonly<Record<string, number>>;
  readonly operations: number;
  readonly violation?: string;
}

const MINUTE_MS = 60_000;

export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const { minutes, seed, say } = options;
  await using program = await builtProgram(new URL("./voter.ts", import.meta.url));
  await using voters = await Voters.start(program.file, options.voters);
  say(`${options.voters} voters run, seed ${seed}; faults for ${minutes} min`);
  const random = seededRandom(seed);
  const clients = new Clients(voters, random.fork("clients"));
  const running = clients.run(options.clients);
  const faults: Record<string, number> = {};
  const beganMs = performance.now();
  await strike(voters, random.fork("faults"), minutes * MINUTE_MS, ({ fault, at, lastsMs }) => {
    faults[fault] = (faults[fault] ?? 0) + 1;
    const { ok, unknown } = clients.counts;
    const seconds = ((performance.now() - beganMs) / 1_000).toFixed(0);
    say(`${seconds} s: ${fault} (${at}) for ${lastsMs} ms; ${ok} answers, ${unknown} unknown`);
  });
  await voters.startAll();
  await voters.agreed();
  clients.stop();
  await running;
  await clients.readAll();
  const operations = clients.recorder.operations();
  say(`${operations.length} operations are judged`);
  const result = await checkLinearizable(operations, keyValueModel<string>());
  const violation = violationOf(result);
  if (violation !== undefined) {
    const file = join(tmpdir(), `chaos-${seed}.json`);
    await writeFile(file, JSON.stringify(operations));
    say(`${violation}\nThe whole history is in ${file}`);
  }
  const { counts } = clients;
  const aims = [
    aim("histories that nothing explains", "at most", 0, violation === undefined ? 0 : 1),
    aim("acknowledged writes lost", "at most", 0, lostWrites(operations).length),
    aim("requests answered", "at least", 1, counts.ok),
  ];
  const told = { seed, minutes, voters: options.voters, faults, requests: counts };
  const ok = aims.every(({ met }) => met);
  const why = violation === undefined ? {} : { violation };
  return { ok, aims, ...told, operations: operations.length, ...why };
}

/** What cannot be judged in time counts as wrong. */
function violationOf(
  result: Awaited<ReturnType<typeof checkLinearizable<string | null, Input, Output>>>,
): string | undefined {
  if (result.ok) return undefined;
  return result.ok === false ? `${result.key}: ${result.rendering}` : result.unknown;
}

function aim(name: string, bound: Aim["bound"], target: number, value: number): Aim {
  return {
    name,
    bound,
    target,
    value,
    met: bound === "at most" ? value <= target : value >= target,
  };
}
