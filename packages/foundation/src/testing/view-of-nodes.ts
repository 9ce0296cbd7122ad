/** ViewOfNodes: what the nodes of a simulated cluster are to a test: found by handle or name, described, asked who they see. */
import { coreErrors, type Member } from "@foundation/core";
import { NodeUnderTest } from "./cluster-node.js";
import { invalidArgument } from "./invalid-argument.js";
import type { Which } from "./simulated-cluster.js";

/** @throws {ERR_INVALID_ARGUMENT} it is none of these */
export function nodeAmong<App>(nodes: readonly NodeUnderTest<App>[], which: Which) {
  const name = typeof which === "object" && which !== null ? which.name : String(which);
  const found = nodes.find((node) => node.name === name);
  const isOther = which instanceof NodeUnderTest && found !== which;
  if (found && !isOther) return found;
  const expected = nodes.map((node) => node.name).join(", ");
  const why = isOther ? "this one belongs to another simulation" : `there are ${expected}`;
  throw coreErrors.ERR_INVALID_ARGUMENT(`There is no node "${name}" in this simulation; ${why}`, {
    argument: "node",
    expected,
    found: name,
  });
}

/** Names of two groups. @throws {ERR_INVALID_ARGUMENT} there is no link between them */
export function groupsOf(
  where: string,
  nodes: readonly NodeUnderTest<unknown>[],
  groups: readonly [Which | readonly Which[], Which | readonly Which[]],
): readonly [readonly string[], readonly string[]] {
  const namesOf = (group: Which | readonly Which[]): readonly string[] => {
    const list = Array.isArray(group) ? (group as readonly Which[]) : [group as Which];
    return list.map((each) => nodeAmong(nodes, each).name);
  };
  const [left, right] = [namesOf(groups[0]), namesOf(groups[1])];
  if (left.some((from) => right.some((to) => from !== to))) return [left, right];
  throw invalidArgument(where, "a and b", "two groups with a link between them", [left, right]);
}

/** "up, lists a, b", as an error shows it. */
export function describe({ state, startedCluster }: NodeUnderTest<unknown>): string {
  const members = startedCluster?.nodes() ?? [];
  const seen = members
    .map(({ name, status }) => (status === "alive" ? name : `${name} (${status})`))
    .sort();
  return startedCluster ? `${state}, lists ${seen.join(", ")}` : `${state}, in no cluster`;
}

/** Whether all that are up list each other and nobody else. @throws {Error} saying who does not */
export function listEachOther(nodes: readonly NodeUnderTest<unknown>[]): true {
  const up = nodes.filter(({ state }) => state !== "down");
  const selves = up.map(({ name, cluster }) => ({ name, id: idOf(cluster.self) }));
  for (const { name, cluster } of up) {
    const members = cluster.nodes();
    const seen = new Set(members.map(idOf));
    const missed = selves.find(({ id }) => !seen.has(id));
    if (missed) throw new Error(`${name} does not list ${missed.name} as it is now`);
    const ghost = members.find((member) => !selves.some(({ id }) => id === idOf(member)));
    if (ghost) throw new Error(`${name} still lists ${ghost.name}, which is gone`);
    const doubted = members.find(({ status }) => status !== "alive");
    if (doubted) throw new Error(`${name} lists ${doubted.name} as ${doubted.status}`);
  }
  return true;
}

function idOf({ id, boot }: Member): string {
  return `${id}/${boot}`;
}
