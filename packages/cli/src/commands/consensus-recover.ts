/**
 * `foundation consensus recover`: goes on with what is left of a consensus group whose majority is lost for good.
 *
 * Said twice, done once: without `--confirm` it reads the disk, says what it would do and what may be lost, and gives the
 * code that confirms exactly that. It works on the data directory of a node that does not run.
 */
import { parseArgs } from "node:util";
import { joinRecovered, planRecovery, recoverGroup } from "@foundation/consensus";
import {
  isNodeId,
  loadIdentity,
  nodeRandom,
  nodeRuntime,
  openDataDirectory,
  type NodeId,
} from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import { BadArguments, type ExitCode, type Screen } from "../screen.js";

/** The group of every cluster that `startCluster` starts. */
const GROUP = "cluster";

export const recoverUsage = [
  "foundation consensus recover --data-dir DIR [--keep id,id] [--group cluster] [--confirm CODE] [--json]",
  "  Makes a new group of what this node's disk holds, when a majority of the voters is lost with its disks.",
  "  Stop every node of the group first. Run it where the log is longest: the plans say how long each is.",
  "  --data-dir DIR   the data directory of a node that does not run",
  "  --keep id,id     other nodes that join the new group; this one is kept in any case",
  "  --confirm CODE   what the plan gave; without it nothing is changed",
  "foundation consensus recover --data-dir DIR --join GROUP-ID --confirm OLD-GROUP-ID [--json]",
  "  Has another kept node give up its log and join the recovered group when it starts.",
].join("\n");

const options = {
  "data-dir": { type: "string" },
  keep: { type: "string", default: "" },
  group: { type: "string", default: GROUP },
  confirm: { type: "string" },
  join: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

interface Order {
  readonly storage: Storage;
  readonly name: string;
  readonly keep: readonly NodeId[];
  readonly confirm: string | undefined;
  readonly join: string | undefined;
  readonly json: boolean;
}

export async function recover(args: readonly string[], screen: Screen): Promise<ExitCode> {
  const values = valuesOf(args);
  const directory = values["data-dir"];
  if (directory === undefined) throw new BadArguments("--data-dir is missing.");
  const keep = values.keep.split(",").filter(Boolean).map(nodeIdOf);
  const { group: name, confirm, join, json } = values;
  const storage = await openDataDirectory(directory);
  try {
    const order = { storage, name, keep, confirm, join, json };
    return await (join === undefined ? make(order, screen) : give(order, join, screen));
  } finally {
    await storage.close();
  }
}

async function make(order: Order, screen: Screen): Promise<ExitCode> {
  const { storage, name, confirm, json } = order;
  const { id } = await loadIdentity(nodeRuntime({ storage }));
  const keep = [...new Set([id, ...order.keep])];
  if (confirm === undefined) {
    const plan = await planRecovery({ storage, name, keep });
    if (json) screen.out(JSON.stringify({ ok: false, ...plan }));
    else for (const line of [...plan.words, ...toConfirm(plan.confirmation)]) screen.out(line);
    return 3;
  }
  const made = await recoverGroup({ storage, name, keep, confirm, random: nodeRandom() });
  if (json) screen.out(JSON.stringify({ ok: true, ...made }));
  else {
    screen.out(`The group is now ${made.group}; its old log stays in ${made.oldFolder}.`);
    screen.out("Start this node first. On every other kept node, before it starts:");
    screen.out(
      `  foundation consensus recover --data-dir DIR --join ${made.group} --confirm OLD-GROUP-ID`,
    );
    screen.out("All others must begin with an empty data directory.");
  }
  return 0;
}

function toConfirm(code: string): readonly string[] {
  return ["", "Nothing was changed. To do it, give the same command with:", `  --confirm ${code}`];
}

async function give(
  { storage, name, confirm = "", json }: Order,
  into: string,
  screen: Screen,
): Promise<ExitCode> {
  await joinRecovered({ storage, name, into, confirm });
  screen.out(json ? JSON.stringify({ ok: true, into }) : `This node joins ${into} when it starts.`);
  return 0;
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new BadArguments(error instanceof Error ? error.message : String(error));
  }
}

function nodeIdOf(text: string): NodeId {
  if (isNodeId(text)) return text;
  throw new BadArguments(`--keep takes ids of nodes, separated by commas; "${text}" is none.`);
}
