/**
 * `npm run discovery:matrix [-- --json] [--only kubernetes] [--nodes 100]`: what every strategy promises, tried just now.
 *
 * The last line is one JSON object, `{ ok, aims: [{ name, target, value, met }], rows }`; with `--json` it is all that goes
 * to the standard output. `--only` fills one row, without the aims. Exits 0 when every aim is met, 1 when not, 2 for
 * arguments that are none.
 */
import { parseArgs } from "node:util";
import { kubernetesAims, lanAims, outageAims, tableAim, type Aim } from "./aims.js";
import { rowOf, tableText, type Row } from "./matrix.js";
import { subjects } from "./subjects.js";

const usage = "Usage: npm run discovery:matrix -- [--json] [--only strategy] [--nodes 100]";

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const order = orderOf(args);
  if (order === undefined) {
    console.error(usage);
    return 2;
  }
  const { only, nodes, say } = order;
  const rows: Row[] = [];
  for (const subject of subjects) {
    if (only !== undefined && subject.strategy !== only) continue;
    console.error(`› ${subject.strategy}`);
    rows.push(await rowOf(subject));
  }
  say(tableText(rows));
  const aims: Aim[] = [tableAim(rows)];
  if (only === undefined) {
    console.error("› kubernetes at its largest");
    aims.push(...(await kubernetesAims()));
    console.error("› two machines on one wire");
    aims.push(...(await lanAims()));
    console.error(`› ${nodes} nodes without their first backend`);
    aims.push(...(await outageAims(nodes)));
  }
  for (const { name, target, value, met } of aims) {
    say(`${met ? "✓" : "✗"} ${name}: ${value} (aim ${target})`);
  }
  const ok = aims.every(({ met }) => met);
  console.log(JSON.stringify({ ok, aims, rows }));
  return ok ? 0 : 1;
}

function orderOf(args: string[]) {
  const options = {
    json: { type: "boolean", default: false },
    only: { type: "string" },
    nodes: { type: "string", default: "100" },
  } as const;
  try {
    const { values } = parseArgs({ args, options });
    const { only } = values;
    const nodes = Number(values.nodes);
    if (!Number.isInteger(nodes) || nodes < 2) return undefined;
    if (only !== undefined && !subjects.some(({ strategy }) => strategy === only)) return undefined;
    const say = (text: string) => (values.json ? console.error(text) : console.log(text));
    return { only, nodes, say };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}
