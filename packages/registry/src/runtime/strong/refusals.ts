/** What is refused of strong names, in words. */
import { coreErrors, parseDuration, type Duration } from "@foundation/core";
import { registryErrors } from "../../errors.js";
import { leaseTtl } from "../../limits.js";

/** How long a strong name stays with a node that has died. @throws {ERR_INVALID_ARGUMENT} */
export function checkTtl(ttl: Duration | undefined): number {
  const ttlMs = ttl === undefined ? leaseTtl.defaultMs : parseDuration(ttl, "leaseTtl");
  if (ttlMs >= leaseTtl.minMs && ttlMs <= leaseTtl.maxMs) return ttlMs;
  const expected = `a duration from ${leaseTtl.minMs} to ${leaseTtl.maxMs} ms`;
  const found = `${ttlMs} ms`;
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `createRegistry: leaseTtl must be ${expected}, found ${found}`,
    { argument: "leaseTtl", expected, found },
  );
}

/** This node has no store of names. */
export function storeRequired(name: string): Error {
  return registryErrors.ERR_NAME_STORE_REQUIRED(
    `"${name}" was to be started with consistency "strong", which needs a store of names that outlives any one node, ` +
      "and this node has none: pass `nameStore` to createRegistry; in a cluster, configure `consensus: { voters }`",
    { name },
  );
}

/** The name is not this node's to give. */
export function notHeld(name: string): Error {
  return coreErrors.ERR_NAME_MOVED(
    `The name "${name}" is not this node's, so it cannot be given on; look up who has it`,
    { name, token: 0 },
  );
}

/** The store does not answer. Nothing ran. */
export function cutOff(name: string, cause?: unknown): Error {
  const reason = "the name store does not answer";
  return registryErrors.ERR_MINORITY_SIDE(
    `"${name}" is a strong process, and the name store does not answer this node, so this side is most likely cut off ` +
      "from its quorum: nothing ran; try again when the cut has healed",
    { name, reason },
    cause,
  );
}
