/**
 * createDiscovery: runs strategies and offers the peers they find.
 *
 * The shell around the pure `PeerUnion` and `ProblemLog`: it consumes each strategy's sets, passes
 * problems on, and starts a strategy again that throws or ends by itself. Promise: nothing a strategy
 * does — failing, lying, hanging — takes a peer away at once, ends the process or stops another one.
 */
import {
  coreErrors,
  isFoundationError,
  nodeRuntime,
  parseDuration,
  type DiscoveryContext,
  type DiscoveryStrategy,
  type Duration,
  type FoundationError,
  type Peer,
  type PeerSet,
  type Runtime,
  type Timer,
} from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import { discoveryLimits } from "../limits.js";
import { parsePeerAddress } from "../protocol/peer-address.js";
import { PeerUnion, type PeerUnionEffect } from "../protocol/peer-union.js";
import { StepLog, type StrategyReport } from "../protocol/step-log.js";
import { isAside } from "../strategies/aside.js";
import { ProblemLog, type DiscoveryProblem } from "../protocol/problem-log.js";

/** Options of `createDiscovery`. */
export interface DiscoveryOptions {
  /** All of them run at once; what they find is united. At least one. */
  readonly strategies: readonly DiscoveryStrategy[];
  /** The cluster's name: only its members are wanted. */
  readonly cluster: string;
  /** What to announce of this node. */
  readonly self: DiscoveryContext["self"];
  /** The cluster's secrets as they are now, for backends that anybody can write to. @default none */
  readonly secrets?: () => readonly string[];
  /** Fires when this node drains: published where a backend can carry it. */
  readonly draining?: AbortSignal;
  /** The failure detector's word: a peer that is alive stays on offer, however long a backend misses it. */
  readonly isAlive?: (peer: Peer) => boolean;
  /** A peer missing from its backend, and not alive, is still offered for this long. @default "30s" */
  readonly forgetAfter?: Duration;
  /** Told the peers whenever they change, also the first time. */
  readonly onPeers?: (peers: readonly Peer[]) => void;
  /** The first round ends at the latest after this. @default "3s" */
  readonly firstRound?: Duration;
  /** Parts of the outside world to replace. @default Node's own */
  readonly runtime?: Partial<Runtime>;
}

/** Running discovery. */
export interface Discovery extends AsyncDisposable {
  /** Resolves when each strategy has yielded or failed once, or after `firstRound`. Never rejects. */
  readonly firstRound: Promise<void>;
  /** The peers on offer, sorted by address: where to dial, not who is alive. */
  peers(): readonly Peer[];
  /** The latest problems, oldest first. */
  problems(): readonly DiscoveryProblem[];
  /** What each strategy tried, what came of it, and whom it offers now. */
  explain(): readonly StrategyReport[];
  /** Withdraws the announcements and stops. Idempotent; waits a few seconds at most. */
  close(): Promise<void>;
}

/**
 * Starts discovery.
 *
 * @throws {ERR_INVALID_ARGUMENT} without a strategy, or with one that is none
 *
 * @example
 * ```ts
 * import { createNodeId, nodeRandom } from "@foundation/core"
 * import { createDiscovery, local } from "@foundation/discovery"
 *
 * await using discovery = createDiscovery({
 *   strategies: [local()],
 *   cluster: "shop",
 *   self: { id: createNodeId(nodeRandom()), address: "ws://127.0.0.1:4100", name: "shop-1" },
 *   onPeers: (peers) => console.log(peers),
 * })
 * await discovery.firstRound
 * ```
 */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  return new RunningDiscovery(options);
}

class RunningDiscovery implements Discovery {
  readonly firstRound: Promise<void>;
  readonly #runtime: Runtime;
  readonly #options: DiscoveryOptions;
  readonly #union: PeerUnion;
  readonly #log = new ProblemLog();
  readonly #reports: readonly StepLog[];
  readonly #draining: AbortSignal;
  readonly #abort = new AbortController();
  readonly #runs: Promise<void>;
  #tick: Timer | undefined;
  #roundTimer: Timer | undefined;
  #endRound: () => void = () => undefined;
  readonly #waiting: Set<number>;
  #closing: Promise<void> | undefined;

  constructor(options: DiscoveryOptions) {
    checkStrategies(options.strategies);
    const limitMs = parseDuration(options.firstRound ?? discoveryLimits.firstRoundMs, "firstRound");
    this.#options = options;
    this.#runtime = nodeRuntime(options.runtime);
    const forgetMs = parseDuration(
      options.forgetAfter ?? discoveryLimits.forgetAfterMs,
      "forgetAfter",
    );
    this.#union = new PeerUnion(options.isAlive, forgetMs);
    this.#reports = options.strategies.map(({ name }) => new StepLog(name));
    this.#draining = options.draining ?? new AbortController().signal;
    this.#waiting = new Set(options.strategies.keys());
    this.firstRound = new Promise((resolve) => {
      this.#endRound = () => {
        this.#roundTimer?.cancel();
        resolve();
      };
    });
    this.#roundTimer = this.#runtime.clock.setTimer(limitMs, this.#endRound);
    const runs = options.strategies.map((strategy, index) => this.#run(strategy, index));
    this.#runs = Promise.all(runs).then(() => undefined);
  }

  peers(): readonly Peer[] {
    return this.#union.peers;
  }

  problems(): readonly DiscoveryProblem[] {
    return this.#log.latest;
  }

  explain(): readonly StrategyReport[] {
    return this.#reports.map((each) => each.report);
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    this.#tick?.cancel();
    this.#endRound();
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#runtime.clock.setTimer(discoveryLimits.closeMs, resolve);
    });
    await Promise.race([this.#runs, late]);
    timer?.cancel();
  }

  /** Runs one strategy until the end, starting it again with growing pauses when it gives up. */
  async #run(strategy: DiscoveryStrategy, index: number): Promise<void> {
    const { clock, random } = this.#runtime;
    const { signal } = this.#abort;
    const jitter = random.fork(`discovery.${index}.${strategy.name}`);
    for (let failures = 0; !signal.aborted; failures += 1) {
      const startedAtMs = clock.now();
      await this.#consume(strategy, index);
      if (signal.aborted) return;
      if (clock.now() - startedAtMs > discoveryLimits.restartMaxMs) failures = 0;
      const { restartMinMs, restartMaxMs } = discoveryLimits;
      const pauseMs = Math.min(restartMaxMs, restartMinMs * 2 ** failures);
      await clock.sleep(pauseMs * (0.75 + jitter.next() / 2), { signal }).catch(() => undefined);
    }
  }

  async #consume(strategy: DiscoveryStrategy, index: number): Promise<void> {
    const { signal } = this.#abort;
    try {
      for await (const set of strategy.discover(this.#contextFor(strategy, index))) {
        if (signal.aborted) return;
        this.#take(strategy, index, set);
      }
      if (!signal.aborted) this.#failed(strategy, index, "it ended by itself");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) this.#failed(strategy, index, `it threw: ${reason}`, error);
    }
  }

  #contextFor(strategy: DiscoveryStrategy, index: number): DiscoveryContext {
    const { clock, random, logger } = this.#runtime;
    const { cluster, self, secrets } = this.#options;
    const ownLogger = logger.child({ strategy: strategy.name });
    return {
      cluster,
      self,
      signal: this.#abort.signal,
      draining: this.#draining,
      get secrets() {
        return secrets?.() ?? [];
      },
      clock,
      random: random.fork(`discovery.${index}.${strategy.name}.own`),
      logger: ownLogger,
      report: (problem) => this.#report(strategy, index, problem),
      trace: (step) => {
        this.#reports[index]?.step({ ...step, atMs: clock.now() });
        ownLogger.debug("Discovery step", { ...step });
      },
    };
  }

  #take(strategy: DiscoveryStrategy, index: number, set: PeerSet): void {
    // Two strategies of one name must not overwrite each other's sets.
    const source = `${index}.${strategy.name}`;
    const peers = set.peers.flatMap((peer) => this.#checked(strategy, index, peer));
    this.#reports[index]?.offers(peers);
    const nowMs = this.#runtime.clock.now();
    this.#apply(this.#union.handle({ type: "set", set: { source, peers } }, nowMs));
    this.#roundDone(index);
  }

  /**
   * The peer in its one spelling, without ourselves; an address that is none is reported. A peer that
   * has our id at another address stays: the overlay has to find out who it is, and to say so.
   */
  #checked(strategy: DiscoveryStrategy, index: number, peer: Peer): readonly Peer[] {
    const { self } = this.#options;
    try {
      const address = isOfScheme(peer.address, self.address)
        ? peer.address
        : parsePeerAddress(peer.address);
      if (address === self.address) return [];
      return [{ ...peer, address }];
    } catch (error) {
      if (isFoundationError(error)) this.#report(strategy, index, error);
      return [];
    }
  }

  #apply(effects: readonly PeerUnionEffect[]): void {
    const { clock } = this.#runtime;
    for (const effect of effects) {
      switch (effect.type) {
        case "peers":
          this.#tell(effect.peers);
          break;
        case "timer":
          this.#tick?.cancel();
          this.#tick = clock.setTimer(effect.atMs - clock.now(), () => {
            this.#apply(this.#union.handle({ type: "tick" }, clock.now()));
          });
          break;
        default:
          effect satisfies never;
      }
    }
  }

  #tell(peers: readonly Peer[]): void {
    try {
      this.#options.onPeers?.(peers);
    } catch (error) {
      this.#runtime.logger.error("The listener for discovered peers threw", { error });
    }
  }

  #failed(strategy: DiscoveryStrategy, index: number, reason: string, cause?: unknown): void {
    const problem = discoveryErrors.ERR_DISCOVERY_FAILED(
      `The discovery strategy ${strategy.name} stopped: ${reason}. It is started again; ` +
        "until then its last peers stay on offer.",
      { strategy: strategy.name, reason },
      cause,
    );
    this.#report(strategy, index, problem);
  }

  #report(strategy: DiscoveryStrategy, index: number, error: FoundationError): void {
    if (!isAside(error)) this.#roundDone(index);
    const atMs = this.#runtime.clock.now();
    this.#reports[index]?.failed(error);
    const { log, suppressed } = this.#log.take({ strategy: strategy.name, error, atMs });
    if (!log) return;
    this.#runtime.logger.warn("Discovery has a problem; the last known peers stay on offer", {
      strategy: strategy.name,
      error,
      ...(suppressed > 0 ? { suppressed } : {}),
    });
  }

  #roundDone(index: number): void {
    this.#waiting.delete(index);
    if (this.#waiting.size === 0) this.#endRound();
  }
}

/** A transport of another kind than WebSockets has addresses of its own, which only it understands. */
function isOfScheme(address: string, own: string): boolean {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//.exec(own)?.[0];
  if (scheme === undefined || scheme === "ws://" || scheme === "wss://") return false;
  return typeof address === "string" && address.startsWith(scheme);
}

function checkStrategies(strategies: readonly DiscoveryStrategy[]): void {
  const expected = "at least one discovery strategy, e.g. [local()]";
  const wrong = strategies.findIndex((each) => typeof each?.discover !== "function");
  if (strategies.length > 0 && wrong < 0) return;
  const found = strategies.length === 0 ? "an empty list" : `no strategy at position ${wrong}`;
  throw coreErrors.ERR_INVALID_ARGUMENT(`strategies must be ${expected}, found ${found}`, {
    argument: "strategies",
    expected,
    found,
  });
}
