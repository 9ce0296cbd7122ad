/** `foundation consensus status`: what the node that runs on a data directory knows of its group. */
import { parseArgs } from "node:util";
import { askControl } from "@foundation/consensus";
import { BadArguments, type ExitCode, type Screen } from "../screen.js";
import { asStatus, type NodeStatus } from "./node-status.js";

export const statusUsage = [
  "foundation consensus status --data-dir DIR [--json]",
  "  Says which group the node that runs on this data directory belongs to, and how it is.",
].join("\n");

const options = {
  "data-dir": { type: "string" },
  json: { type: "boolean", default: false },
} as const;

export async function status(args: readonly string[], screen: Screen): Promise<ExitCode> {
  const { "data-dir": directory, json } = valuesOf(args);
  if (directory === undefined) throw new BadArguments("--data-dir is missing.");
  const answer = await askControl(directory, { type: "status" });
  if (!answer.ok) {
    screen.err(`${answer.code}: ${answer.message}`);
    if (json) screen.out(JSON.stringify(answer));
    return 1;
  }
  const found = asStatus(answer.value);
  if (json) screen.out(JSON.stringify({ ok: true, ...found }));
  else for (const line of wordsOf(found)) screen.out(line);
  return 0;
}

function wordsOf({ node, standing, group, why, member, candidates, keeping }: NodeStatus) {
  const nameOf = (id: string): string => candidates.find((each) => each.id === id)?.name ?? id;
  const lines = [`node       ${node.name} (${node.id})`];
  lines.push(`group      ${group ?? "not known yet"}`);
  if (standing !== "decided" || why !== undefined) {
    lines.push(`${standing === "stuck" ? "stuck      " : "waits for  "}${why ?? "its disk"}`);
  }
  if (member !== undefined) {
    const { role, term, leader, voters, learners, appliedIndex, failure } = member;
    lines.push(`role       ${role}, term ${term}, applied ${appliedIndex}`);
    lines.push(`leader     ${leader === undefined ? "none known" : nameOf(leader)}`);
    lines.push(`voters     ${voters.map(nameOf).join(", ")}`);
    if (learners.length > 0) lines.push(`learners   ${learners.map(nameOf).join(", ")}`);
    if (failure !== undefined) lines.push(`failed     ${failure}`);
  }
  if (keeping !== undefined) lines.push(`voters are ${keeping}`);
  lines.push(`may vote   ${candidates.map(({ name }) => name).join(", ")}`);
  return lines;
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new BadArguments(error instanceof Error ? error.message : String(error));
  }
}
