/**
 * `foundation consensus bootstrap`: the one word that founds the group of a cluster whose nodes wait for an operator.
 *
 * It is given to a node that runs, once, at any node that may vote. Giving it twice, or at two nodes at once, founds one
 * group: each disk accepts once.
 */
import { parseArgs } from "node:util";
import { askControl, type ControlAnswer } from "@foundation/consensus";
import { parseDuration, nodeClock, type Duration } from "@foundation/core";
import { BadArguments, type ExitCode, type Screen } from "../screen.js";
import { asStatus, type NodeStatus } from "./node-status.js";

export const bootstrapUsage = [
  "foundation consensus bootstrap --data-dir DIR --voters name,name,name [--timeout 60s] [--json]",
  '  Founds the group of a cluster that is configured with `consensus: { voters: "operator" }`: once, at any of its',
  "  nodes that may vote. Without --voters it says which nodes those are, and changes nothing.",
  "  --data-dir DIR   the data directory of a node that runs",
  "  --voters NAMES   the first voters, by the names of nodes; three or five",
  "  --timeout 60s    how long to wait until all of them have accepted; they go on by themselves",
].join("\n");

/** Between two looks at how far the founding is. */
const LOOK_MS = 250;

const options = {
  "data-dir": { type: "string" },
  voters: { type: "string" },
  timeout: { type: "string", default: "60s" },
  json: { type: "boolean", default: false },
} as const;

export async function bootstrap(args: readonly string[], screen: Screen): Promise<ExitCode> {
  const values = valuesOf(args);
  const directory = values["data-dir"];
  if (directory === undefined) throw new BadArguments("--data-dir is missing.");
  const timeoutMs = parseDuration(values.timeout as Duration, "--timeout");
  const { json } = values;
  const voters = values.voters?.split(",").filter(Boolean).sort();
  const before = statusIn(await askControl(directory, { type: "status" }));
  if (before.standing === "decided") return told(before, voters, json, screen);
  if (voters === undefined) return propose(before, json, screen);
  const answer = await askControl(directory, { type: "bootstrap", voters });
  // Another operator may have been first: then there is a group, and it is told which.
  const founded = await waited(directory, answer.ok ? timeoutMs : 0);
  if (!answer.ok && founded.standing !== "decided") {
    screen.err(`${answer.code}: ${answer.message}`);
    if (json) screen.out(JSON.stringify(answer));
    return 1;
  }
  return told(founded, voters, json, screen);
}

/** How the node stands once its group is known, somebody must do something, or the time is up. */
async function waited(directory: string, timeoutMs: number): Promise<NodeStatus> {
  const clock = nodeClock();
  const deadline = clock.now() + timeoutMs;
  for (;;) {
    const found = statusIn(await askControl(directory, { type: "status" }));
    if (found.standing !== "waiting" || clock.now() >= deadline) return found;
    await clock.sleep(LOOK_MS);
  }
}

function told(
  status: NodeStatus,
  voters: readonly string[] | undefined,
  json: boolean,
  screen: Screen,
): ExitCode {
  const { standing, group, firstVoters = [], why = "its disk" } = status;
  const isThis = voters === undefined || firstVoters.join() === voters.join();
  const ok = standing === "decided" && isThis;
  if (json) screen.out(JSON.stringify({ ok, ...status }));
  else if (standing !== "decided") {
    const still = standing === "stuck" ? "The founding is stuck" : "The group still waits for";
    screen.err(`${still}: ${why}`);
  } else if (ok) screen.out(`The group is ${String(group)}, founded by ${firstVoters.join(", ")}.`);
  else {
    screen.err(
      `There is a group already, ${String(group)}, founded by ${firstVoters.join(", ")}: nothing was changed. ` +
        "Its voters change by themselves when others may vote.",
    );
  }
  return ok ? 0 : 1;
}

function propose({ candidates, ...status }: NodeStatus, json: boolean, screen: Screen): ExitCode {
  const names = candidates.map(({ name }) => name).sort();
  if (json) {
    screen.out(JSON.stringify({ ok: false, ...status, candidates }));
    return 3;
  }
  screen.out(`Nodes that may vote: ${names.join(", ")}.`);
  screen.out(
    "Nothing was changed. Name three or five of them, in different zones if there are any:",
  );
  screen.out("  --voters name,name,name");
  return 3;
}

function statusIn(answer: ControlAnswer): NodeStatus {
  if (answer.ok) return asStatus(answer.value);
  throw new Error(`${answer.code}: ${answer.message}`);
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new BadArguments(error instanceof Error ? error.message : String(error));
  }
}
