/**
 * Fitness: whether an instance is what somebody asks for, and if not, why not.
 *
 * The load is what its node told last: a node that told none fits, because leaving out all of whom nothing is known
 * would leave nobody in a large cluster.
 */
import type { Member, NodeLoad } from "@foundation/core";
import type { ServiceInstance } from "./record.js";

/** Below a share of a resource, from 0 to 1. */
export interface Below {
  readonly below: number;
}

/** What an instance and its node must offer. All that is said must hold. */
export interface ServiceConstraints {
  /** The busier of event loop and processors of its node. */
  readonly cpu?: Below | undefined;
  /** Of its node's machine, what its process holds. */
  readonly memory?: Below | undefined;
  readonly capability?: string | undefined;
  readonly capabilities?: readonly string[] | undefined;
  /** Of the instance, else of its node. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly node?: string | undefined;
  readonly zone?: string | undefined;
}

/** Why the instance does not fit, for people; undefined when it does. */
export function misfitOf(
  instance: ServiceInstance,
  member: Member | undefined,
  load: NodeLoad | undefined,
  wanted: ServiceConstraints,
): string | undefined {
  const { node, zone, capability, capabilities = [], labels = {}, cpu, memory } = wanted;
  if (node !== undefined && instance.node !== node) return "it is on another node";
  if (zone !== undefined && instance.zone !== zone) return `it is not in the zone ${zone}`;
  for (const each of capability === undefined ? capabilities : [capability, ...capabilities]) {
    if (!instance.capabilities.includes(each)) return `it lacks the capability ${each}`;
  }
  for (const [label, value] of Object.entries(labels)) {
    if (labelOf(instance, member, label) !== value) return `its label ${label} is not ${value}`;
  }
  if (load === undefined) return undefined;
  return (
    above("cpu", Math.max(load.eventLoop, load.processor), cpu) ??
    above("memory", load.memory, memory)
  );
}

function labelOf(
  { labels }: ServiceInstance,
  member: Member | undefined,
  label: string,
): string | undefined {
  if (Object.hasOwn(labels, label)) return labels[label];
  return member && Object.hasOwn(member.labels, label) ? member.labels[label] : undefined;
}

function above(what: string, share: number, limit: Below | undefined): string | undefined {
  if (limit === undefined || share < limit.below) return undefined;
  return `the ${what} of its node is at ${share.toFixed(2)}, not below ${limit.below}`;
}
