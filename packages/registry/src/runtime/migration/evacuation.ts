/**
 * Evacuation: the children of a node that is about to leave go elsewhere with their state.
 *
 * The node that is left is gone soon after, and its names with it. So it does not go before every member has heard where
 * its children are, and before the calls that it sent after them are answered: then nobody notices that it left.
 */
import { isFoundationError, type NodeId } from "@foundation/core";
import { candidatesFor } from "../../protocol/candidates.js";
import { sameOwner } from "../../protocol/child-spec.js";
import { Patience } from "../patience.js";
import type { Supervision, SupervisionParts } from "../supervision/supervision.js";
import { CHANNEL, somebodyStays, type Wiring } from "../wiring.js";

const VISIBLE = "migration.visible";

/** Identities that one log line names. */
const SHOWN_MAX = 10;

/** Of the time that is left, for one child: what cannot be moved must still be ended and started elsewhere. */
const SHARE = 0.5;

export class Evacuation {
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #supervision: Supervision;
  readonly #targets = new Set<NodeId>();
  /** Children that somebody could have run, and that lost their state, with the reason. */
  readonly #failed: { readonly identity: string; readonly error: unknown }[] = [];
  readonly #stop: () => void;

  /** `visible` resolves when every member knows the names of this node. */
  constructor(
    wiring: Wiring,
    parts: SupervisionParts,
    supervision: Supervision,
    visible: (signal: AbortSignal) => Promise<void>,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.#stop = wiring.messenger.handle(VISIBLE, async ({ signal }) => {
      await visible(signal);
      return true;
    });
  }

  /** True when the child has gone with its state; false when it must be ended and started anew elsewhere. */
  async move(identity: string, patience: Patience): Promise<boolean> {
    const { specs, board, place } = this.#parts;
    const { self, membership, clock } = this.#wiring;
    const spec = specs.get(identity);
    const child = this.#supervision.children.get(identity);
    if (spec?.state !== "running" || !sameOwner(spec.owner, self)) return false;
    if (child?.phase !== "running") return false;
    const others = membership.members().filter(({ id }) => id !== self.node);
    let candidates = candidatesFor(spec, others, board.takes);
    let last: unknown;
    const own = new Patience(clock, patience.remainingMs() * SHARE, patience.signal);
    try {
      while (candidates.length > 0 && !own.signal.aborted) {
        const target = place(identity, candidates, spec);
        if (target === undefined) break;
        last = await this.#tryToMove(identity, target, own);
        if (last === undefined) return true;
        // The others would be told the same.
        if (!isFoundationError(last, "ERR_NOT_MOVED")) break;
        candidates = candidates.filter(({ id }) => id !== target);
      }
    } finally {
      own.end();
    }
    if (last !== undefined) this.#failed.push({ identity, error: last });
    return false;
  }

  /** Resolves when this node may go: everybody knows where its children are, and what was sent after them is done. */
  async finish(patience: Patience): Promise<void> {
    this.#tellFailed();
    const targets = [...this.#targets];
    this.#targets.clear();
    await Promise.all(targets.map((target) => this.#untilVisible(target, patience)));
    if (this.#supervision.moves === undefined || patience.signal.aborted) return;
    await orAborted(this.#supervision.moves.settled(), patience.signal);
  }

  close(): void {
    this.#stop();
  }

  /** Undefined when it is done, else why not. */
  async #tryToMove(identity: string, to: NodeId, patience: Patience): Promise<unknown> {
    try {
      await this.#supervision.moveChild(identity, to, patience);
    } catch (error) {
      // It belongs to that node: nobody else may be given it.
      if (!isFoundationError(error, "ERR_OUTCOME_UNKNOWN")) return error;
      this.#wiring.logger.warn("A node did not say that it runs what was moved to it", { error });
    }
    this.#targets.add(to);
    return undefined;
  }

  async #untilVisible(to: NodeId, patience: Patience): Promise<void> {
    if (patience.signal.aborted) return;
    try {
      await this.#wiring.messenger.request({ to, channel: CHANNEL, subject: VISIBLE }, undefined, {
        timeoutMs: patience.remainingMs(),
        signal: patience.signal,
      });
    } catch (error) {
      this.#wiring.logger.debug("Not every member knows yet where the children went", { error });
    }
  }

  /** Where the whole cluster leaves, nobody is there to take a child, and nothing is wrong. */
  #tellFailed(): void {
    if (this.#failed.length === 0) return;
    const failed = this.#failed.splice(0);
    const { logger } = this.#wiring;
    const fields = {
      count: failed.length,
      identities: failed.slice(0, SHOWN_MAX).map(({ identity }) => identity),
      error: failed[0]?.error,
    };
    if (somebodyStays(this.#wiring)) {
      logger.warn(
        "Children could not be moved with their state; they start anew elsewhere",
        fields,
      );
    } else logger.debug("No node stays that could take the children over", fields);
  }
}

/** Resolves with the promise, or when the signal fires. */
function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done, { once: true });
    void promise.then(done);
  });
}
