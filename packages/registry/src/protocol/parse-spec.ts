/**
 * Checks what arrived as a child spec or as the request to start one: a peer of another version may
 * send anything, and nothing it sends may throw here or reach `init` half understood.
 */
import { isBoot, isNodeId } from "@foundation/core";
import { parseRules } from "./child-rules.js";
import {
  stoppedAt,
  type ChildRequest,
  type ChildSpec,
  type On,
  type Owner,
  type Restart,
  type SpecVersion,
} from "./child-spec.js";

const RESTARTS: ReadonlySet<unknown> = new Set(["permanent", "transient", "temporary"]);
const STATES: ReadonlySet<unknown> = new Set(["running", "failed", "stopped"]);

/** The spec, or undefined when it is not one. */
export function parseSpec(value: unknown): ChildSpec | undefined {
  const request = parseRequest(value);
  if (request === undefined) return undefined;
  const version = parseVersion(value);
  if (version === undefined) return undefined;
  const { reason } = value as Partial<ChildSpec>;
  return { ...request, ...version, reason: typeof reason === "string" ? reason : undefined };
}

/** The version, or undefined when it is not one. */
export function parseVersion(value: unknown): SpecVersion | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { incarnation, generation, owner, state } = value as Partial<SpecVersion>;
  if (!isCount(incarnation) || !isCount(generation) || !STATES.has(state)) return undefined;
  const parsed = parseOwner(owner);
  if (parsed === undefined || state === undefined) return undefined;
  return { incarnation, generation, owner: parsed, state };
}

/** What another node told of a child: its spec, or the version at which it was stopped. */
export function parseTold(identity: string, value: unknown): ChildSpec | undefined {
  const spec = parseSpec(value);
  if (spec !== undefined) return spec.identity === identity ? spec : undefined;
  const version = parseVersion(value);
  return version?.state === "stopped" ? stoppedAt(identity, version) : undefined;
}

/** The request, or undefined when it is not one. */
export function parseRequest(value: unknown): ChildRequest | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { identity, definition, args, restart, on, meta } = value as Partial<ChildRequest>;
  if (typeof identity !== "string" || typeof definition !== "string") return undefined;
  if (identity.length === 0 || definition.length === 0 || !RESTARTS.has(restart)) return undefined;
  const rules = parseRules((value as Partial<ChildRequest>).rules);
  if (!isOn(on) || rules === "invalid") return undefined;
  const request = { identity, definition, args, restart: restart as Restart, on, meta };
  return rules === undefined ? request : { ...request, rules };
}

/** The owner, or undefined when it is not one. */
export function parseOwner(value: unknown): Owner | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { node, boot } = value as Partial<Owner>;
  return isNodeId(node) && isBoot(boot) ? { node, boot } : undefined;
}

/** True for a constraint that `on` may be. */
export function isOn(value: unknown): value is On | undefined {
  if (value === undefined || isNodeId(value)) return true;
  if (typeof value !== "object" || value === null) return false;
  const { role, labels } = value as { role?: unknown; labels?: unknown };
  if (role !== undefined && typeof role !== "string") return false;
  if (labels === undefined) return true;
  if (typeof labels !== "object" || labels === null) return false;
  return Object.values(labels).every((label) => typeof label === "string");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
