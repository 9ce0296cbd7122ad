/**
 * Claims: the owner-sharded store in which each node writes its names, definitions and entries of duplicate names.
 *
 * Opened here because what stands in it is checked when it comes and not when it is read: a look-up is one step of one
 * map. Names of definitions are many times the same few texts, so each is kept once.
 * Limit: `sharedTextsMax`.
 */
import { createOwnedStore, type OwnedStore, type ReplicationPorts } from "@foundation/crdt";
import { DEFINITION_KEY, keptClaim, type NameValue } from "../../protocol/name-value.js";
import type { RegistryLimits } from "../../limits.js";

/** Under a name or a duplicate's key what `keptClaim` left of it; under a definition's whatever its node wrote. */
export type ClaimStore = OwnedStore<unknown>;

export function openClaims(ports: ReplicationPorts, limits: RegistryLimits): ClaimStore {
  const shared = new Map<string, string>();
  const share = (text: string): string => {
    const found = shared.get(text);
    if (found !== undefined) return found;
    if (shared.size < limits.sharedTextsMax) shared.set(text, text);
    return text;
  };
  const keep = (key: string, value: unknown): unknown =>
    key.startsWith(DEFINITION_KEY) ? value : keptClaim(value, share);
  return createOwnedStore<unknown>({ ...ports, name: "registry.claims", keep });
}

/** What stands under a name, as the store keeps it. */
export function nameValueOf(value: unknown): NameValue | undefined {
  return (value as NameValue | null) ?? undefined;
}
