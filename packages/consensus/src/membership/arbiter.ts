/**
 * Arbiter: something outside of the group that many can ask and that gives all of them the same answer: a Kubernetes
 * Lease, a Consul key, a key in an etcd.
 *
 * Guarantee: of all values that were ever offered for a key, one is there from the first answer on, and every
 * answer gives that one, however often it is asked, for as long as nobody removes the key by hand.
 */
import type { Engine, RequestOptions } from "../engine/engine.js";
import { invalid } from "./membership-errors.js";

export interface Arbiter {
  /**
   * Puts the value in the key's place if nothing is there, and resolves to what is there then. Asking again is safe.
   * @throws {ERR_TIMEOUT} {ERR_ABORTED} and whatever the service behind it answers: it may have been put.
   */
  claim(key: string, value: Uint8Array, options?: RequestOptions): Promise<Uint8Array>;
}

/**
 * An arbiter that is a key of an engine: an etcd, or another group.
 *
 * @example
 * ```ts
 * import { engineArbiter, type Engine } from "@foundation/consensus"
 *
 * export async function first(engine: Engine): Promise<Uint8Array> {
 *   return engineArbiter(engine).claim("orders", new TextEncoder().encode("node-1"))
 * }
 * ```
 */
export function engineArbiter(engine: Engine, prefix = "foundation/groups/"): Arbiter {
  return {
    async claim(key, value, options) {
      const name = prefix + key;
      const { succeeded, results } = await engine.txn(
        {
          if: [{ key: name, target: "version", is: "=", than: 0 }],
          then: [{ type: "put", key: name, value }],
          else: [{ type: "range", key: name }],
        },
        options,
      );
      if (succeeded) return value;
      const [result] = results;
      const pair = result?.type === "range" ? result.pairs[0] : undefined;
      if (pair) return pair.value;
      throw invalid(
        "engine",
        "one whose transactions are atomic",
        "a key that is there and is not",
      );
    },
  };
}
