/** bestNodeFor: the member that suits a workload best, as far as is known now. */
import { checkOptions, invalidArgument } from "@foundation/core";
import type { Member, ProcessDefinition } from "@foundation/core";
import { bestNode, NEEDS, type Need } from "../../protocol/best-node.js";
import { candidatesFor, preferWell, type Defines } from "../../protocol/candidates.js";
import type { On } from "../../protocol/child-spec.js";
import { ownerOf } from "../../protocol/judge.js";
import { isOn } from "../../protocol/parse-spec.js";
import { checkDefinition } from "../given.js";
import { noCandidate } from "./no-candidate.js";
import type { Placing } from "./placing.js";

/** What a node is wanted for. */
export interface Workload {
  /** How much of the processors, and of the event loop, it needs. @default between the two */
  readonly cpu?: Need | undefined;
  /** How much memory it needs. @default between the two */
  readonly memory?: Need | undefined;
  /** Only nodes with this role. @default any */
  readonly role?: string | undefined;
  /** Only nodes with these labels. @default any */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Only nodes that define this process. @default any */
  readonly for?: ProcessDefinition | undefined;
}

const KNOWN: readonly string[] = ["cpu", "memory", "role", "labels", "for"];

/** @throws {ERR_INVALID_ARGUMENT} */
function checkWorkload(workload: Workload): void {
  const operation = "bestNodeFor";
  checkOptions(operation, workload, KNOWN);
  const { cpu, memory, role, labels, for: definition } = workload;
  for (const [argument, need] of Object.entries({ cpu, memory })) {
    if (need === undefined || NEEDS.includes(need)) continue;
    throw invalidArgument(operation, argument, `one of ${NEEDS.join(", ")}`, need);
  }
  if (!isOn({ role })) throw invalidArgument(operation, "role", "a text", role);
  if (!isOn({ labels })) throw invalidArgument(operation, "labels", "an object of texts", labels);
  if (definition !== undefined) checkDefinition(operation, "for", definition);
}

/** @throws {ERR_NO_CANDIDATE} no member that is not draining fits @throws {ERR_INVALID_ARGUMENT} */
export function bestNodeFor(
  workload: Workload,
  members: readonly Member[],
  placing: Placing,
  defines: Defines,
): Member {
  checkWorkload(workload);
  const { cpu, memory, role, labels, for: definition } = workload;
  const on: On = { ...(role !== undefined && { role }), ...(labels && { labels }) };
  const wanted = { definition: definition?.name ?? "", on };
  const runs: Defines = (node, name) => definition === undefined || defines(node, name);
  const measured = preferWell(candidatesFor(wanted, members, runs)).map((member) => ({
    member,
    load: placing.loadOf(member),
    running: placing.occupancy.total(ownerOf(member)),
  }));
  const best = bestNode(measured, { cpu, memory });
  if (best !== undefined) return best;
  throw noCandidate(
    definition?.name ?? "the workload",
    placing.explain({ ...wanted, identity: "", rules: undefined }, runs),
  );
}
