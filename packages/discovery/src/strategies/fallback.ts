/**
 * fallback: ranked strategies; the next is used only while the better ones fail.
 *
 * The shell around the pure `FallbackRank`: it runs the strategies that are to run, passes on what they say, and offers
 * the set of the one that is believed.
 */
import {
  coreErrors,
  parseDuration,
  type DiscoveryContext,
  type DiscoveryStrategy,
  type Duration,
  type PeerSet,
  type Timer,
} from "@foundation/core";
import { discoveryLimits } from "../limits.js";
import {
  FallbackRank,
  type FallbackEffect,
  type FallbackInput,
  type FallbackTimes,
} from "../protocol/fallback-rank.js";
import { checkChildren, nameOfAll } from "./check-children.js";
import { runChild } from "./child-run.js";
import { LatestSet } from "./latest-set.js";

/** Options of `fallback`. */
export interface FallbackOptions {
  /** A strategy that failed for so long is left, when the next one knows somebody. @default "15s" */
  readonly stepDownAfter?: Duration;
  /** A better strategy that was well for so long is taken back. Above `stepDownAfter`. @default "60s" */
  readonly stepBackAfter?: Duration;
}

/**
 * Finds peers by the best strategy that works. The first is the best; the others run only while it fails.
 *
 * @throws {ERR_INVALID_ARGUMENT} without a strategy, or with times that would make it flap
 *
 * @example
 * ```ts
 * import { dns, fallback, staticList } from "@foundation/discovery"
 *
 * const strategy = fallback([
 *   dns({ query: "app.internal" }),
 *   staticList({ addresses: ["10.0.0.7:4100", "10.0.0.8:4100"] }),
 * ])
 * ```
 */
export function fallback(
  strategies: readonly DiscoveryStrategy[],
  options: FallbackOptions = {},
): DiscoveryStrategy {
  checkChildren("fallback", strategies);
  const times = timesOf(options);
  const ranked = [...strategies];
  const name = nameOfAll("fallback", ranked);
  return { name, discover: (context) => new RunningFallback(name, ranked, times, context).sets() };
}

class RunningFallback {
  readonly #strategies: readonly DiscoveryStrategy[];
  readonly #context: DiscoveryContext;
  readonly #rank: FallbackRank;
  readonly #latest: LatestSet;
  readonly #running = new Map<number, AbortController>();
  readonly #runs = new Set<Promise<void>>();
  /** Whose last word was a failure. */
  readonly #troubled = new Set<number>();
  #timer: Timer | undefined;

  constructor(
    name: string,
    strategies: readonly DiscoveryStrategy[],
    times: FallbackTimes,
    context: DiscoveryContext,
  ) {
    this.#latest = new LatestSet(name);
    this.#strategies = strategies;
    this.#context = context;
    this.#rank = new FallbackRank(strategies.length, times);
  }

  async *sets(): AsyncGenerator<PeerSet, void, undefined> {
    const { signal } = this.#context;
    const end = (): void => {
      this.#timer?.cancel();
      for (const each of this.#running.values()) each.abort();
    };
    if (signal.aborted) return;
    signal.addEventListener("abort", end, { once: true });
    this.#hear({ type: "begin" });
    try {
      yield* this.#latest.sets(signal);
    } finally {
      end();
      signal.removeEventListener("abort", end);
      await Promise.all(this.#runs);
    }
  }

  #hear(input: FallbackInput): void {
    const { clock, signal } = this.#context;
    if (signal.aborted) return;
    if (input.type === "problem") this.#troubled.add(input.rank);
    else if (input.type === "set" || input.type === "sign") this.#troubled.delete(input.rank);
    const effects = this.#rank.handle(input, clock.now());
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const effect of effects) this.#apply(effect);
  }

  #apply(effect: FallbackEffect): void {
    const { clock } = this.#context;
    switch (effect.type) {
      case "start":
        this.#start(effect.rank);
        break;
      case "stop":
        this.#running.get(effect.rank)?.abort();
        this.#running.delete(effect.rank);
        this.#troubled.delete(effect.rank);
        break;
      case "peers":
        this.#latest.put(effect.peers);
        break;
      case "stepped":
        this.#say(effect.from, effect.to);
        break;
      case "timer":
        this.#timer = clock.setTimer(effect.atMs - clock.now(), () => this.#hear({ type: "tick" }));
        break;
      default:
        effect satisfies never;
    }
  }

  #start(rank: number): void {
    const strategy = this.#strategies[rank];
    if (strategy === undefined) return;
    const abort = new AbortController();
    this.#running.set(rank, abort);
    const isCurrent = (): boolean => this.#running.get(rank) === abort;
    // Not within this call: what it says at once must find the effects of this input applied.
    const run = Promise.resolve()
      .then(() =>
        runChild(strategy, this.#context, abort.signal, {
          onSet: (peers) => isCurrent() && this.#hear({ type: "set", rank, peers }),
          onProblem: () => isCurrent() && this.#hear({ type: "problem", rank }),
          onStep: () => isCurrent() && this.#hear({ type: "sign", rank }),
          // Those that were not asked yet may work.
          isPart: () => this.#strategies.some((_, i) => i !== rank && !this.#troubled.has(i)),
        }),
      )
      .finally(() => this.#runs.delete(run));
    this.#runs.add(run);
  }

  #say(from: number, to: number): void {
    const nameOf = (rank: number): string => this.#strategies[rank]?.name ?? String(rank);
    const isDown = to > from;
    const tried = `believe ${nameOf(from)}`;
    const reason = isDown ? "it has failed for long" : "a better one is well again";
    this.#context.trace({ tried, answer: `${reason}, so ${nameOf(to)} is believed` });
    this.#context.logger.info("Discovery believes another strategy", {
      from: nameOf(from),
      to: nameOf(to),
      reason,
    });
  }
}

function timesOf(options: FallbackOptions): FallbackTimes {
  const { stepDownAfterMs: down, stepBackAfterMs: back } = discoveryLimits;
  const stepDownAfterMs = parseDuration(options.stepDownAfter ?? down, "fallback.stepDownAfter");
  const given = options.stepBackAfter ?? Math.max(back, stepDownAfterMs);
  const stepBackAfterMs = parseDuration(given, "fallback.stepBackAfter");
  if (stepBackAfterMs >= stepDownAfterMs && stepDownAfterMs > 0) {
    return { stepDownAfterMs, stepBackAfterMs };
  }
  const argument = "fallback.stepBackAfter";
  const expected = "no less than stepDownAfter, and both above 0";
  const found = `${stepDownAfterMs} ms down, ${stepBackAfterMs} ms back`;
  throw coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found,
  });
}
