/**
 * Conflicts: two processes had one name, on two sides of a cut, and one of them must go. Before it goes, what it knows is
 * offered: to the process that stays, by `resolveConflict` of its definition, and to the application, by `onConflict`.
 *
 * Invariants: the loser runs nothing once its state was taken; the state is handed to the winner at most once; whatever
 * happens, the loser ends within `conflictMs`.
 * Limits: `conflictMs`, `conflictRetryMs`, `stateBytesMax`.
 */
import {
  isFoundationError,
  type InboundMessage,
  type InboundStream,
  type NodeId,
  type Pid,
  type ProcessSnapshot,
} from "@foundation/core";
import { collect, sendState, stateOf } from "../migration/state-transfer.js";
import { Patience } from "../patience.js";
import type { Child } from "../supervision/children.js";
import type { Supervision, SupervisionParts } from "../supervision/supervision.js";
import { isLocal, type Wiring } from "../wiring.js";

const CONFLICT = "registry.conflict";

/** A name that two processes had. */
export interface NameConflict {
  readonly name: string;
  readonly definition: string;
  /** The process of this node, which ends. */
  readonly loser: Pid;
  /** Where the process is that keeps the name. */
  readonly winner: Pid;
  /** What the loser knew: a copy. */
  readonly state: unknown;
}

/** Told of each conflict on the node of its loser; a promise is waited for, no longer than `conflictMs`. */
export type OnConflict = (conflict: NameConflict) => void | Promise<void>;

/** What is said of a state that is handed over. */
interface Head {
  readonly name: string;
  readonly definition: string;
  readonly version: number;
}

/** The winner's answer: it has the state, it does not want it, or it is not there yet. */
type Answer = "taken" | "refused" | "later";

export class Conflicts {
  readonly #wiring: Wiring;
  readonly #parts: Pick<SupervisionParts, "specs" | "names">;
  readonly #supervision: Supervision;
  readonly #onConflict: OnConflict | undefined;
  readonly #stops: (() => void)[];

  constructor(
    wiring: Wiring,
    parts: Pick<SupervisionParts, "specs" | "names">,
    supervision: Supervision,
    onConflict: OnConflict | undefined,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.#onConflict = onConflict;
    const { messenger } = wiring;
    this.#stops = [
      messenger.handle(CONFLICT, (message) => this.#onMessage(message)),
      messenger.handleStream(CONFLICT, (stream) => this.#onStream(stream)),
    ];
    supervision.conflicts = this;
  }

  /** True when somebody wants what the child knows. */
  concerns({ definition, pid }: Child): boolean {
    const isWanted = definition.resolveConflict !== undefined || this.#onConflict !== undefined;
    return isWanted && pid !== undefined;
  }

  /** Offers what the child knows; then it can be ended. Never throws. */
  async offer(child: Child): Promise<void> {
    const { clock, limits, logger } = this.#wiring;
    const { identity, pid } = child;
    if (pid === undefined) return;
    const patience = new Patience(clock, limits.conflictMs, undefined);
    try {
      const loser = await this.#wiring.kernel.freeze(pid, { signal: patience.signal });
      await Promise.all([
        this.#handOver(child, loser, patience),
        this.#tellApplication(child, pid, loser, patience),
      ]);
    } catch (error) {
      logger.warn("The state of the loser of a name is lost", { identity, error });
    } finally {
      patience.end();
    }
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  async #handOver(child: Child, loser: ProcessSnapshot, patience: Patience): Promise<void> {
    const { identity: name, definition } = child;
    if (definition.resolveConflict === undefined) return;
    const { codec, limits, logger } = this.#wiring;
    const state = codec.encode(loser.state);
    const head: Head = { name, definition: definition.name, version: loser.version };
    if (state.length > limits.stateBytesMax)
      throw new Error("it has more than stateBytesMax bytes");
    while (!patience.signal.aborted) {
      const winner = this.#winnerOf(name);
      const answer = winner && (await this.#ask(winner, { head, state }, patience));
      if (answer === "taken") return;
      if (answer === "refused") {
        return logger.warn("The winner of a name does not take the loser's state", { name });
      }
      await this.#pause(patience);
    }
    logger.warn("The winner of a name was not reached in time: the loser's state is lost", {
      name,
    });
  }

  async #ask(
    to: NodeId,
    transfer: { readonly head: Head; readonly state: Uint8Array },
    patience: Patience,
  ): Promise<Answer> {
    try {
      const answer = await sendState(this.#wiring, to, CONFLICT, transfer, {
        timeoutMs: patience.remainingMs(),
        signal: patience.signal,
      });
      return answer === "taken" || answer === "later" ? answer : "refused";
    } catch (error) {
      // It may have arrived: twice would be worse than not at all.
      if (isFoundationError(error, "ERR_NODE_UNREACHABLE")) return "later";
      throw error;
    }
  }

  async #tellApplication(
    child: Child,
    loser: Pid,
    { state }: ProcessSnapshot,
    patience: Patience,
  ): Promise<void> {
    const { identity: name, definition } = child;
    const { logger } = this.#wiring;
    const winner = this.#parts.names.locate(name)?.pid;
    if (this.#onConflict === undefined || winner === undefined) return;
    const conflict = { name, definition: definition.name, loser, winner, state };
    const told = (async () => this.#onConflict?.(conflict))().catch((thrown: unknown) => {
      logger.error("onConflict threw", { name, cause: thrown });
    });
    await Promise.race([told, untilAborted(patience.signal)]);
  }

  /** The node of the winner; undefined while nobody else is known to have the name. */
  #winnerOf(name: string): NodeId | undefined {
    const { specs, names } = this.#parts;
    const { self } = this.#wiring;
    const spec = specs.get(name);
    const owner = spec?.state === "running" ? spec.owner : names.locate(name)?.pid;
    return owner === undefined || isLocal({ ...owner, serial: 0 }, self) ? undefined : owner.node;
  }

  #pause({ signal }: Patience): Promise<void> {
    const { clock, limits } = this.#wiring;
    return new Promise((resolve) => {
      const timer = clock.setTimer(limits.conflictRetryMs, () => {
        signal.removeEventListener("abort", done);
        resolve();
      });
      const done = () => {
        timer.cancel();
        resolve();
      };
      signal.addEventListener("abort", done, { once: true });
    });
  }

  #onMessage(message: InboundMessage): Promise<Answer> | Answer {
    const come = stateOf(message);
    return come === undefined ? "refused" : this.#take(come.head, come.state);
  }

  async #onStream(stream: InboundStream): Promise<Answer> {
    const state = await collect(stream, this.#wiring.limits.stateBytesMax);
    return state === undefined ? "refused" : this.#take(stream.metadata, state);
  }

  async #take(head: unknown, bytes: Uint8Array): Promise<Answer> {
    const { name, definition, version } = (head ?? {}) as Partial<Head>;
    if (typeof name !== "string" || typeof version !== "number") return "refused";
    const child = this.#supervision.children.get(name);
    if (child?.phase !== "running" || child.pid === undefined) return "later";
    const own = child.definition;
    if (own.name !== definition || own.resolveConflict === undefined) return "refused";
    const { kernel, codec } = this.#wiring;
    const decoded = codec.decode(bytes);
    if (version !== own.version && own.upgrade === undefined) return "refused";
    const state = version === own.version ? decoded : await own.upgrade?.(decoded, version);
    const { pid } = child;
    // It may have ended while its state was upgraded.
    if (pid === undefined) return "later";
    const outcome = kernel.deliver(pid, { type: "conflict", state });
    return outcome === "accepted" ? "taken" : "later";
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
