/**
 * EcosystemSight: an ecosystem as this node sees it: which of its members run, and where.
 *
 * It is read from the specs and the names this node has; asking costs no message, and what it tells may be as old as the
 * last delta that has not arrived.
 *
 * Invariant: it only reads.
 */
import {
  membersOf,
  type EcosystemMember,
  type EcosystemPlan,
} from "../../protocol/ecosystem-plan.js";
import type { Registry } from "../registry.js";
import type { SpecStore } from "../supervision/spec-store.js";
import type { Wiring } from "../wiring.js";
import type { EcosystemInfo, EcosystemMemberInfo } from "./ecosystem.js";
import type { Holder } from "./ecosystem-errors.js";

/** Where members are looked up. */
export interface Known {
  readonly registry: Pick<Registry, "lookup">;
  readonly specs: Pick<SpecStore, "get">;
}

/** What an ecosystem is, with each of its members. */
export function infoOf(name: string, plan: EcosystemPlan, known: Known): EcosystemInfo {
  const members = membersOf(name, plan).map((member): EcosystemMemberInfo => {
    const { name: title, role, index, kind } = member;
    const status = statusOf(member, known);
    const at = known.registry.lookup(title)?.pid ?? known.specs.get(title)?.owner;
    const node = status === "missing" ? undefined : at?.node;
    return { name: title, role, index, process: kind.process, status, node };
  });
  const { state, topology, faultTolerance, spread: placement } = plan;
  const running = members.filter(({ status }) => status === "running").length;
  return { name, state, topology, faultTolerance, placement, members, running };
}

/** How a member is. */
export function statusOf({ name }: EcosystemMember, known: Known): EcosystemMemberInfo["status"] {
  const spec = known.specs.get(name);
  if (spec === undefined || spec.state === "stopped") return "missing";
  if (spec.state === "failed") return "failed";
  return known.registry.lookup(name) === undefined ? "starting" : "running";
}

/** Who has the name of a member; this node where nobody is known to. */
export function holderOf(
  { name }: EcosystemMember,
  { registry, specs }: Known,
  self: Wiring["self"],
): Holder {
  const found = registry.lookup(name);
  const owner = specs.get(name)?.owner ?? self;
  const { node, boot } = found?.pid ?? owner;
  return { name, node, boot, serial: found?.pid.serial, definition: found?.definition };
}
