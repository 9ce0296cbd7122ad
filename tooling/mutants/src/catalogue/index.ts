/** Catalogue: every bug that is planted. */
import type { Mutant } from "../mutant.js";
import { cacheMutants } from "./caches.js";
import { causalMutants } from "./causal.js";
import { channelMutants } from "./channels.js";
import { consensusMutants } from "./consensus.js";
import { linkMutants } from "./links.js";
import { membershipMutants } from "./membership.js";
import { partMutants } from "./parts.js";
import { registryMutants } from "./registry.js";
import { requestMutants } from "./requests.js";
import { stateMutants } from "./state.js";
import { topologyMutants } from "./topologies.js";

export const catalogue: readonly Mutant[] = [
  ...membershipMutants,
  ...linkMutants,
  ...channelMutants,
  ...requestMutants,
  ...stateMutants,
  ...causalMutants,
  ...registryMutants,
  ...partMutants,
  ...topologyMutants,
  ...cacheMutants,
  ...consensusMutants,
];
