/**
 * What `npm start` runs. `--check` runs the scenario once and judges it; `--runs N` repeats it.
 */
import { parseArgs } from "node:util";
import { check } from "./check.js";
import { demo } from "./demo.js";

const usage = `npm start                        the live demonstration
npm start -- --check             once, judged; the last line is JSON, the exit code is honest
npm start -- --check --runs 10   the same ten times; medians and sums
Options: --json (the same as --check), --help
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === "string") {
    process.stderr.write(`${options}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    if (!options.check) {
      await demo(process.stdout);
      return 0;
    }
    const result = await check(options.runs, (text) => process.stderr.write(`${text}\n`));
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return result.ok ? 0 : 1;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`The run failed: ${reason}\n`);
    if (options.check) process.stdout.write(`${JSON.stringify({ ok: false, reason, aims: [] })}\n`);
    return 1;
  }
}

interface Options {
  readonly check: boolean;
  readonly runs: number;
  readonly help: boolean;
}

function readOptions(args: string[]): Options | string {
  try {
    const { values } = parseArgs({
      args,
      options: {
        check: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        runs: { type: "string", default: "1" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const runs = Number(values.runs);
    if (!Number.isInteger(runs) || runs < 1 || runs > 1_000) {
      return `--runs takes a whole number from 1 to 1000, found "${values.runs}"`;
    }
    return { check: values.check || values.json, runs, help: values.help };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
