/**
 * Claims: the owner-sharded store in which each node writes its names, definitions and entries of duplicate names.
 *
 * Opened here because what stands in it is checked when it comes and not when it is read: a look-up is one step of one
 * map. How a claim is kept: kept-claims.ts. Limit: `sharedTextsMax`.
 */
import { createOwnedStore, type OwnedStore, type ReplicationPorts } from "@foundation/crdt";
import type { RegistryLimits } from "../../limits.js";
import { KeptClaims, type KeptClaim } from "../../protocol/kept-claims.js";
import { DEFINITION_KEY } from "../../protocol/name-value.js";

/** Under a name or a duplicate's key a `KeptClaim` or null; under a definition's whatever its node wrote. */
export type ClaimStore = OwnedStore<unknown>;

export interface Claims {
  readonly store: ClaimStore;
  /** Reads what stands under names and duplicates' keys. */
  readonly kept: KeptClaims;
}

export function openClaims(ports: ReplicationPorts, limits: RegistryLimits): Claims {
  const kept = new KeptClaims(limits.sharedTextsMax);
  const store = createOwnedStore<unknown>({
    ...ports,
    name: "registry.claims",
    keep: (key, value) => (key.startsWith(DEFINITION_KEY) ? value : kept.keep(value)),
    tell: (key, value) =>
      key.startsWith(DEFINITION_KEY) || value === null ? value : kept.tell(value as KeptClaim),
  });
  return { store, kept };
}

/** What stands under a name or a duplicate's key; undefined when it is no claim. */
export function keptOf(value: unknown): KeptClaim | undefined {
  return (value as KeptClaim | null | undefined) ?? undefined;
}
