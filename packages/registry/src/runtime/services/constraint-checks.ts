/** How `ServiceConstraints` are checked, wherever somebody asks for a service. */
import { checkOptionalText, checkOptions, invalidArgument } from "@foundation/core";
import type { ServiceConstraints } from "../../protocol/services/fitness.js";
import { isLabels, isTexts } from "../../protocol/services/record.js";

/** What a request without constraints asks for. */
export const NOTHING: ServiceConstraints = {};

const KNOWN: readonly string[] = [
  ...["cpu", "memory", "capability", "capabilities", "labels", "node", "zone"],
];

/** `also`: what else may stand beside them. @throws {ERR_INVALID_ARGUMENT} */
export function checkConstraints(
  operation: string,
  constraints: ServiceConstraints,
  also: readonly string[] = [],
): void {
  if (constraints === NOTHING) return;
  if (constraints === undefined)
    throw invalidArgument(operation, "constraints", "an object", constraints);
  checkOptions(operation, constraints, [...KNOWN, ...also]);
  const { cpu, memory, capability, capabilities, labels, node, zone } = constraints;
  for (const [argument, limit] of Object.entries({ cpu, memory })) {
    if (limit === undefined) continue;
    const below: unknown = (limit as { readonly below?: unknown } | null)?.below;
    if (typeof below === "number" && below > 0 && below <= 1) continue;
    throw invalidArgument(operation, `${argument}.below`, "a number above 0, 1 at most", below);
  }
  for (const [argument, text] of Object.entries({ capability, node, zone })) {
    checkOptionalText(operation, argument, text);
  }
  if (capabilities !== undefined && !isTexts(capabilities)) {
    throw invalidArgument(operation, "capabilities", "a list of texts", capabilities);
  }
  if (labels !== undefined && !isLabels(labels)) {
    throw invalidArgument(operation, "labels", "an object of texts", labels);
  }
}
