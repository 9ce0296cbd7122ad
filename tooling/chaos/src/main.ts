/**
 * `npm run chaos -- consensus [--minutes 10] [--voters 3] [--clients 12] [--seed name] [--json]`: real processes under real
 * faults. The last line is one JSON object, `{ ok, aims: [{ name, target, value, met }], … }`; with `--json` it is all that goes
 * to the standard output. Exits 0 when every aim is met, 1 when not, 2 for arguments that are none or a machine that cannot.
 *
 * It needs the rights to make network namespaces (root), `ip`, `nft`, `tc` and `ss`.
 */
import { parseArgs } from "node:util";
import { nodeRandom } from "@foundation/core";
import { canMakeHosts } from "../../acceptance/worlds/namespaces/hosts.js";
import { chaos, type ChaosOptions } from "./consensus/run.js";

const usage =
  "Usage: npm run chaos -- consensus [--minutes 10] [--voters 3] [--clients 12] [--seed name] [--json]";

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const order = orderOf(args);
  if (order === undefined) {
    console.error(usage);
    return 2;
  }
  const cannot = await canMakeHosts().then(
    () => undefined,
    (error: unknown) => String(error),
  );
  if (cannot !== undefined) {
    console.error(`No network namespaces here; run as root with ip, nft, tc and ss: ${cannot}`);
    return 2;
  }
  const report = await chaos(order);
  for (const { name, bound, target, value, met } of report.aims) {
    order.say(`${met ? "✓" : "✗"} ${name}: ${value} (aim ${bound} ${target})`);
  }
  console.log(JSON.stringify(report));
  return report.ok ? 0 : 1;
}

function orderOf(args: string[]): ChaosOptions | undefined {
  const options = {
    minutes: { type: "string", default: "10" },
    voters: { type: "string", default: "3" },
    clients: { type: "string", default: "12" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [minutes, voters, clients] = [values.minutes, values.voters, values.clients].map(Number);
    if (positionals.length !== 1 || positionals[0] !== "consensus") return undefined;
    if (!(isPositive(minutes) && isPositive(voters) && isPositive(clients))) return undefined;
    if (!Number.isInteger(voters) || !Number.isInteger(clients)) return undefined;
    const seed = values.seed ?? Buffer.from(nodeRandom().secret(5)).toString("hex");
    const say = (line: string) => (values.json ? console.error(line) : console.log(line));
    return { minutes, voters, clients, seed, say };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}

function isPositive(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value > 0;
}
