/**
 * Fence: what a resource does with fencing tokens: it refuses one that is older than one it has seen.
 *
 * A lock with a lease cannot keep a holder that was paused from writing when it wakes; the resource can (Kleppmann, "How
 * to do distributed locking", 2016). Keep `seen` beside the data, and change both together.
 */
import { consensusErrors } from "../../errors.js";
import { checkInteger } from "../world.js";

export interface FenceOptions {
  /** Names it in errors. @default "this resource" */
  readonly resource?: string | undefined;
  /** The greatest token seen so far, as it was stored. @default 0: none */
  readonly seen?: number | undefined;
}

/** Guards one resource. */
export interface Fence {
  /** The greatest token let pass. */
  readonly seen: number;
  /** Lets a token pass that is not older than any before. @throws {ERR_TOKEN_STALE} it is; {ERR_INVALID_ARGUMENT} */
  pass(token: number): void;
}

/**
 * A fence for one resource.
 *
 * @example
 * ```ts
 * import { createFence } from "@foundation/consensus"
 *
 * const fence = createFence({ resource: "invoice:42" })
 * fence.pass(7)
 * try {
 *   fence.pass(6)
 * } catch (error) {
 *   console.log((error as { code?: string }).code) // ERR_TOKEN_STALE
 * }
 * ```
 */
export function createFence(options: FenceOptions = {}): Fence {
  const { resource = "this resource" } = options;
  let seen = options.seen ?? 0;
  checkInteger("seen", seen, 0, Number.MAX_SAFE_INTEGER);
  return {
    get seen() {
      return seen;
    },
    pass(token) {
      checkInteger("token", token, 1, Number.MAX_SAFE_INTEGER);
      if (token < seen) throw stale(resource, token, seen);
      seen = token;
    },
  };
}

function stale(resource: string, token: number, seen: number): Error {
  return consensusErrors.ERR_TOKEN_STALE(
    `The token ${token} for ${resource} is older than ${seen}, which was seen before: ` +
      "its sender has lost the lock and must stop",
    { resource, token, seen },
  );
}
