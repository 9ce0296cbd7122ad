/**
 * Departure: one move, on the node that the process leaves. Carries out what `stepSource` decides.
 *
 * Invariant: between the last look at whether this instance is current and the write that commits there is no await, but
 * for strong processes, where the name store decides.
 */
import {
  contractOf,
  coreErrors,
  isFoundationError,
  type FrozenProcess,
  type Pid,
} from "@foundation/core";
import {
  compareVersions,
  versionOf,
  type ChildSpec,
  type Owner,
} from "../../protocol/child-spec.js";
import {
  movedVersion,
  stepSource,
  type MigrationTimes,
  type SourceEvent,
  type SourceState,
} from "../../protocol/migration.js";
import { isStrong } from "../../protocol/strong.js";
import type { Patience } from "../patience.js";
import type { Child } from "../supervision/children.js";
import type { Supervision, SupervisionParts } from "../supervision/supervision.js";
import { CHANNEL, type Wiring } from "../wiring.js";
import { COPIED_ALIASES_BYTES_MAX, type Alias, type NamesToAdopt } from "./aliases.js";
import type { Migrated, MigrationStep } from "./migration.js";
import {
  HANDED_OVER,
  notMoved,
  OFFER,
  parseAccepted,
  WITHDRAW,
  type Accepted,
  type Offer,
} from "./offer.js";
import { sendState } from "./state-transfer.js";

export type DepartureParts = Pick<SupervisionParts, "specs" | "strong">;

/** The child that moves, as it was when the move began. */
export interface Leaving {
  readonly child: Child;
  readonly spec: ChildSpec;
  readonly pid: Pid;
  /** That pid, and those that it had on other nodes before. */
  readonly places: readonly Pid[];
  readonly to: Owner;
  readonly attempt: number;
}

/** What the move does beyond itself. */
export interface DepartureEvents {
  step(step: MigrationStep): void;
  /** The names by hand that it has now. */
  aliases(): readonly Alias[];
  /** It is committed: the child's messages shall go to that process. Gives the names by hand that go along. */
  committed(spec: ChildSpec, successor: Pid): readonly Alias[];
}

export class Departure {
  readonly #wiring: Wiring;
  readonly #parts: DepartureParts;
  readonly #supervision: Supervision;
  readonly #times: MigrationTimes;
  readonly #leaving: Leaving;
  readonly #events: DepartureEvents;
  #state: SourceState = { phase: "freezing" };
  #aliases: readonly Alias[] = [];

  constructor(
    wiring: Wiring,
    parts: DepartureParts,
    supervision: Supervision,
    times: MigrationTimes,
    leaving: Leaving,
    events: DepartureEvents,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.#times = times;
    this.#leaving = leaving;
    this.#events = events;
  }

  /** Moves it, or throws and leaves it as it was, unless the error says that the outcome is unknown. */
  async run(patience: Patience): Promise<Migrated> {
    const { clock } = this.#wiring;
    const frozen = await this.#unlessItFails(() => this.#freeze(patience));
    const accepted = await this.#unlessItFails(() => this.#offer(frozen, patience));
    const isCurrent = this.#isCurrent();
    this.#step({ type: "accepted", nowMs: clock.now(), isCurrent });
    if (this.#state.phase !== "committing") throw this.#outdated(isCurrent);
    const spec = await this.#commit(accepted);
    await this.#handOver(spec, accepted);
    const { identity } = spec;
    return {
      identity,
      from: this.#wiring.self.node,
      pid: accepted.pid,
      generation: spec.generation,
    };
  }

  async #unlessItFails<T>(part: () => Promise<T>): Promise<T> {
    try {
      return await part();
    } catch (error) {
      this.#step({ type: "failed" });
      throw error;
    }
  }

  async #freeze(patience: Patience): Promise<FrozenProcess> {
    const { kernel, clock } = this.#wiring;
    const { pid, to } = this.#leaving;
    try {
      const frozen = await kernel.freeze(pid, { signal: patience.signal });
      this.#step({ type: "frozen", nowMs: clock.now() });
      this.#events.step({ type: "frozen", waiting: frozen.waiting });
      return frozen;
    } catch (error) {
      if (!isFoundationError(error, "ERR_PROCESS_FROZEN")) throw error;
      throw notMoved(this.#identity, to.node, "busy", "it is being moved already", error);
    }
  }

  async #offer(frozen: FrozenProcess, patience: Patience): Promise<Accepted> {
    const { codec, limits } = this.#wiring;
    const { spec, child, to, attempt, places } = this.#leaving;
    const state = codec.encode(frozen.state);
    if (state.length > limits.stateBytesMax) {
      const why = `its state has ${state.length} bytes, more than limits.stateBytesMax (${limits.stateBytesMax})`;
      throw notMoved(this.#identity, to.node, "too-large", why);
    }
    const contract = contractOf(child.definition);
    const names = this.#namesThatFit();
    const offer: Offer = { spec, attempt, version: frozen.version, contract, places, names };
    const timeoutMs = Math.min(patience.remainingMs(), this.#times.commitWithinMs);
    const options = { timeoutMs, signal: patience.signal };
    const sent = sendState(this.#wiring, to.node, OFFER, { head: offer, state }, options);
    this.#events.step({ type: "sent", stateBytes: state.length });
    const answer = await sent.catch((error: unknown) => this.#explain(error, patience));
    const accepted = parseAccepted(answer, to.node);
    if (accepted === undefined || accepted.pid.boot !== to.boot) {
      throw notMoved(this.#identity, to.node, "target-lost", "its answer cannot be read");
    }
    this.#events.step({ type: "installed", pid: accepted.pid });
    return accepted;
  }

  /** The names that go with the copy: all, or none where they are too many for that. */
  #namesThatFit(): NamesToAdopt | undefined {
    const from = this.#leaving.pid;
    const aliases = this.#events.aliases();
    if (aliases.length === 0) return undefined;
    const bytes = this.#wiring.codec.encode(aliases).length;
    return bytes <= COPIED_ALIASES_BYTES_MAX ? { aliases, from } : undefined;
  }

  /** Whatever became of the request: without the commit nothing has moved. */
  #explain(error: unknown, { signal }: Patience): never {
    const target = this.#identity;
    if (signal.aborted) {
      const message = `The move of "${target}" was given up before its commit: it goes on where it was`;
      throw coreErrors.ERR_ABORTED(message, { target }, error);
    }
    const isLost =
      isFoundationError(error, "ERR_OUTCOME_UNKNOWN") ||
      isFoundationError(error, "ERR_NODE_UNREACHABLE") ||
      isFoundationError(error, "ERR_UNKNOWN_SUBJECT");
    if (!isLost) throw error;
    const why = `that node did not take it (${error.message})`;
    throw notMoved(this.#identity, this.#leaving.to.node, "target-lost", why, error);
  }

  /** The commit point. */
  async #commit({ pid, landing }: Accepted): Promise<ChildSpec> {
    const { spec, to } = this.#leaving;
    const token = isStrong(spec) ? await this.#moveName(landing, pid) : 0;
    const version = movedVersion(versionOf(spec), to, token);
    const moved: ChildSpec = { ...spec, ...version, reason: undefined };
    try {
      this.#parts.specs.put(moved);
    } catch (error) {
      if (!isStrong(spec)) {
        this.#step({ type: "not-committed" });
        throw notMoved(this.#identity, to.node, "commit-refused", "its spec cannot be kept", error);
      }
      // The name says who may run it; the target writes the spec too.
      this.#wiring.logger.error("The spec of a moved child could not be kept", { error });
    }
    this.#aliases = this.#events.committed(moved, pid);
    this.#step({ type: "committed" });
    this.#parts.specs.flush();
    this.#events.step({ type: "committed", generation: moved.generation });
    return moved;
  }

  /** Resolves to the token of the target's claim. */
  async #moveName(landing: Accepted["landing"], { serial }: Pid): Promise<number> {
    const { strong } = this.#parts;
    const { to, spec } = this.#leaving;
    if (landing === undefined) {
      this.#step({ type: "not-committed" });
      throw notMoved(this.#identity, to.node, "commit-refused", "it named no place for the name");
    }
    const data = { node: to.node, boot: to.boot, definition: spec.definition, serial };
    try {
      const timeoutMs = this.#wiring.limits.storeTimeoutMs;
      return await strong.moveTo(this.#identity, landing, data, { timeoutMs });
    } catch (error) {
      if (isFoundationError(error, "ERR_OUTCOME_UNKNOWN")) {
        this.#step({ type: "commit-unknown" });
        throw error;
      }
      this.#step({ type: "not-committed" });
      const why = "the name store did not give its name away";
      throw notMoved(this.#identity, to.node, "commit-refused", why, error);
    }
  }

  /** By the same lane as the mailbox, so that it arrives after it. */
  async #handOver(spec: ChildSpec, { pid }: Accepted): Promise<void> {
    const { messenger, limits } = this.#wiring;
    const route = { to: pid.node, channel: CHANNEL, subject: HANDED_OVER, key: String(pid.serial) };
    try {
      const message = [spec, this.#leaving.pid, this.#aliases];
      const runs = await messenger.request(route, message, { timeoutMs: limits.timeoutMs });
      if (runs !== true) throw new Error("the other node had given its copy up");
    } catch (cause) {
      this.#step({ type: "unanswered" });
      throw coreErrors.ERR_OUTCOME_UNKNOWN(
        `"${this.#identity}" belongs to node ${pid.node} now, which did not say that it runs: it begins there when that ` +
          "node hears of it, and elsewhere if that node is gone",
        { reason: "connection-lost", target: this.#identity },
        cause,
      );
    }
    this.#step({ type: "begun" });
    this.#events.step({ type: "moved", pid });
  }

  #step(event: SourceEvent): void {
    const { state, effects } = stepSource(this.#state, event, this.#times);
    this.#state = state;
    const { kernel, messenger } = this.#wiring;
    const { pid, to, attempt } = this.#leaving;
    for (const effect of effects) {
      switch (effect) {
        case "offer":
        case "commit":
        case "hand-over":
          // What takes time is in `run`, which goes on by the phase; the hand-over is `committed`'s listener's.
          break;
        case "thaw":
          kernel.thaw(pid);
          // What was heard of it meanwhile was left aside.
          this.#supervision.mark(this.#identity);
          break;
        case "withdraw":
          messenger.trySend({ to: to.node, channel: CHANNEL, subject: WITHDRAW }, [
            this.#identity,
            attempt,
          ]);
          break;
        case "end":
          void this.#supervision.children.end(this.#identity, { type: "lease-lost" });
          break;
        default:
          effect satisfies never;
      }
    }
  }

  get #identity(): string {
    return this.#leaving.spec.identity;
  }

  /** Whether the frozen instance still is the child, and its spec the newest. */
  #isCurrent(): boolean {
    const { child, spec, pid } = this.#leaving;
    const known = this.#parts.specs.get(spec.identity);
    const isChild = this.#supervision.children.get(spec.identity) === child;
    const runs = isChild && child.phase === "running" && child.pid?.serial === pid.serial;
    return runs && (known === undefined || compareVersions(known, spec) <= 0);
  }

  #outdated(isCurrent: boolean): Error {
    const { to } = this.#leaving;
    if (isCurrent) {
      return notMoved(this.#identity, to.node, "target-lost", "its answer came too late");
    }
    const why = "it ended, or another node took it over, before the move was committed";
    return notMoved(this.#identity, to.node, "outdated", why);
  }
}
