/**
 * defineStrategy: a strategy of one's own is one function that asks once.
 *
 * Everything that makes it safe — the last good set, misses, pauses, time limit, abort, reports — is `keepLooking`.
 */
import {
  coreErrors,
  parseDuration,
  type DiscoveryContext,
  type DiscoveryStrategy,
  type Duration,
  type Peer,
} from "@foundation/core";
import { discoveryLimits } from "../limits.js";
import { parsePeerAddress } from "../protocol/peer-address.js";
import { keepLooking } from "./keep-looking.js";

/** A strategy of one's own. */
export interface StrategyDefinition {
  /** For people: it stands in logs and in `explain()`. */
  readonly name: string;
  /** The least time between two looks. @default "5s" */
  readonly interval?: Duration;
  /** A look that takes longer has failed. @default "10s" */
  readonly timeout?: Duration;
  /**
   * Asks once, and answers who is there: `host:port` or peers. Whatever it throws is a failed look-up, reported and tried
   * again. `signal` fires when the answer is no longer wanted.
   */
  look(
    context: DiscoveryContext & { readonly signal: AbortSignal },
  ): StrategyAnswer | Promise<StrategyAnswer>;
}

/** Who is there; `partial` says why somebody may be missing. */
export type StrategyAnswer =
  | readonly (string | Peer)[]
  | { readonly peers: readonly (string | Peer)[]; readonly partial?: string };

/**
 * Makes a strategy of a function.
 *
 * @throws {ERR_INVALID_ARGUMENT} without a name or a look
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises"
 * import { defineStrategy } from "@foundation/discovery"
 *
 * const hostsFile = defineStrategy({
 *   name: "hosts-file",
 *   interval: "2s",
 *   look: async ({ signal }) => {
 *     const text = await readFile("/etc/shop/nodes", { encoding: "utf8", signal })
 *     return text.split("\n").filter((line) => line !== "")
 *   },
 * })
 * ```
 */
export function defineStrategy(definition: StrategyDefinition): DiscoveryStrategy {
  const { name, look } = definition;
  if (typeof name !== "string" || name === "") throw invalid("name", "a text", typeof name);
  if (typeof look !== "function") throw invalid("look", "a function", typeof look);
  const interval = definition.interval ?? discoveryLimits.lookIntervalMs;
  const intervalMs = parseDuration(interval, "defineStrategy.interval");
  const timeout = definition.timeout ?? discoveryLimits.lookTimeoutMs;
  const timeoutMs = parseDuration(timeout, "defineStrategy.timeout");
  if (intervalMs < 1) throw invalid("interval", "at least 1 ms", String(definition.interval));
  return {
    name,
    discover: (context) =>
      keepLooking(context, {
        source: name,
        tries: `look of ${name}`,
        intervalMs,
        timeoutMs,
        look: async (signal) => {
          const given = await definition.look(withSignal(context, signal));
          return answerOf(given, context.self.address);
        },
      }),
  };
}

function withSignal(context: DiscoveryContext, signal: AbortSignal): DiscoveryContext {
  return {
    ...context,
    get secrets() {
      return context.secrets;
    },
    signal,
  };
}

function answerOf(
  given: StrategyAnswer,
  own: string,
): { peers: readonly Peer[]; partial?: string } {
  const answer = "peers" in given ? given : { peers: given };
  const peers = answer.peers.map((each) => peerOf(each, own));
  return answer.partial === undefined ? { peers } : { peers, partial: answer.partial };
}

/** One that is none makes the whole answer malformed, as a set of such would take the place of the good one. */
function peerOf(given: string | Peer, own: string): Peer {
  if (typeof given === "string") return { address: parsePeerAddress(given) };
  const address: unknown = given?.address;
  // A transport of another kind than WebSockets has addresses of its own.
  const isOther = !/^wss?:/.test(own) && typeof address === "string";
  return isOther ? given : { ...given, address: parsePeerAddress(String(address)) };
}

function invalid(argument: string, expected: string, found: string): Error {
  const path = `defineStrategy.${argument}`;
  return coreErrors.ERR_INVALID_ARGUMENT(`${path} must be ${expected}, found ${found}`, {
    argument: path,
    expected,
    found,
  });
}
