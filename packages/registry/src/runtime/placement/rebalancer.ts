/**
 * Rebalancer: carries out what `planRebalance` plans, slowly, one move at a time.
 *
 * A plan is made for the members of one moment. So when a node goes (which is also how a partition
 * looks), the run ends before its next move: what the other side has is not known any more. A node
 * that comes changes nothing that was planned. By itself (`{ on: "join" }`) the cluster rebalances
 * when a node has joined and nothing has changed for a while, on the node that the placement names.
 *
 * Invariants: one run in the cluster at a time; no more moves than planned, begun no faster than the
 * rate; each move is looked at again right before it begins; a move that fails is not tried again by
 * the same run. Limits: `rebalanceMovesMax`, `rebalancePermitMs`.
 */
import {
  isFoundationError,
  type FoundationError,
  type MembershipEvent,
  type NodeId,
  type Timer,
} from "@foundation/core";
import { judge } from "../../protocol/judge.js";
import { peerOf } from "../../protocol/occupancy.js";
import { isSelected, selectorOf } from "../../protocol/peers.js";
import type { PlannedMove } from "../../protocol/planned-moves.js";
import { planRebalance, type RebalancePlan } from "../../protocol/rebalance.js";
import { Patience } from "../patience.js";
import type { SupervisionParts } from "../supervision/supervision.js";
import { isMember, show, type Wiring } from "../wiring.js";
import type { CheckedRebalance } from "./rebalance-options.js";
import { RebalancePermit } from "./rebalance-permit.js";
import type { FailedMove, RebalanceReport, RebalanceStep } from "./rebalancing.js";

/** Moves a child from wherever it runs. */
export type MoveChild = (identity: string, to: NodeId, patience: Patience) => Promise<unknown>;

type Tell = (step: RebalanceStep) => void;

/** How a run learns that it is to end; the signal fires then. */
interface Ending {
  /** Why, once it is. */
  cancelled(): string | undefined;
  readonly signal: AbortSignal;
}

export class Rebalancer {
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #move: MoveChild;
  readonly #permit: RebalancePermit;
  readonly #automatic: { readonly afterMs: number; readonly options: CheckedRebalance } | undefined;
  readonly #stop: () => void;
  /** Ends what is under way when a node goes. */
  readonly #runs = new Set<(reason: string) => void>();
  #timer: Timer | undefined;
  /** A node joined, and nobody rebalanced since. */
  #isDue = false;
  /** The node that was to rebalance when this one was not. */
  #entrusted: NodeId | undefined;
  #closed = false;

  constructor(
    wiring: Wiring,
    parts: SupervisionParts,
    move: MoveChild,
    automatic: { readonly afterMs: number; readonly options: CheckedRebalance } | undefined,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#move = move;
    this.#permit = new RebalancePermit(wiring, parts.placing);
    this.#automatic = automatic;
    this.#stop = wiring.membership.subscribe((event) => this.#onMembership(event));
  }

  /** Plans, and moves unless it is a dry run. @throws {ERR_REBALANCING} another run is under way */
  async rebalance(options: CheckedRebalance, tell: Tell): Promise<RebalanceReport> {
    if (options.dryRun) return this.#reportOf(this.#plan(options), tell);
    const run = this.#permit.newRun();
    await this.#permit.take(run, options.signal);
    let reason: string | undefined;
    const pausing = new AbortController();
    const cancel = (why: string) => {
      reason ??= why;
      pausing.abort();
    };
    const onAbort = () => cancel("its caller ended it");
    this.#runs.add(cancel);
    options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      if (options.signal?.aborted === true) onAbort();
      const cancelled = () => reason;
      return await this.#carryOut(options, run, tell, { cancelled, signal: pausing.signal });
    } finally {
      this.#runs.delete(cancel);
      options.signal?.removeEventListener("abort", onAbort);
      await this.#permit.give(run);
    }
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#stop();
    for (const cancel of this.#runs) cancel("the registry is closed");
    this.#permit.close();
  }

  async #carryOut(
    options: CheckedRebalance,
    run: number,
    tell: Tell,
    ending: Ending,
  ): Promise<RebalanceReport> {
    const { clock } = this.#wiring;
    const cancelled = () => ending.cancelled();
    const plan = this.#plan(options);
    tell({ type: "planned", moves: plan.moves.length, skipped: plan.skipped.length });
    const [done, failed, skipped] = [[] as PlannedMove[], [] as FailedMove[], [...plan.skipped]];
    let reason = cancelled();
    let nextMs = clock.now();
    for (const move of plan.moves.slice(0, options.maxMoves)) {
      reason ??= await this.#until(nextMs, run, ending);
      if (reason !== undefined) break;
      nextMs = Math.max(nextMs, clock.now()) + 1_000 / options.rate;
      const why = this.#whyNotNow(move);
      if (why !== undefined) {
        skipped.push({ identity: move.identity, why });
        tell({ type: "skipped", identity: move.identity, why });
        continue;
      }
      const error = await this.#try(move, options, tell);
      if (error === undefined) done.push(move);
      else failed.push({ move, code: error.code, why: error.message });
      reason = cancelled();
    }
    const ended = reason === undefined ? "finished" : "cancelled";
    const counts = { done: done.length, failed: failed.length, skipped: skipped.length };
    this.#wiring.logger.info(`Rebalancing ${ended}`, {
      planned: plan.moves.length,
      ...counts,
      reason,
    });
    return { planned: plan.moves, done, failed, skipped, ended, reason };
  }

  /** Waits for the next move's time and asks for the permit again; gives the reason not to go on. */
  async #until(atMs: number, run: number, ending: Ending): Promise<string | undefined> {
    const { clock } = this.#wiring;
    const waitMs = atMs - clock.now();
    const { signal } = ending;
    const cancelled = () => ending.cancelled();
    try {
      if (waitMs > 0) await clock.sleep(waitMs, { signal });
      if (cancelled() === undefined) await this.#permit.take(run, signal);
    } catch (error) {
      if (!isFoundationError(error)) throw error;
      return cancelled() ?? error.message;
    }
    return cancelled();
  }

  async #try(
    move: PlannedMove,
    { signal, moveTimeoutMs }: CheckedRebalance,
    tell: Tell,
  ): Promise<FoundationError | undefined> {
    tell({ type: "moving", move });
    const patience = new Patience(this.#wiring.clock, moveTimeoutMs, signal);
    try {
      await this.#move(move.identity, move.to, patience);
      tell({ type: "moved", move });
      return undefined;
    } catch (error) {
      if (!isFoundationError(error)) throw error;
      tell({ type: "failed", move, code: error.code });
      this.#wiring.logger.warn(`${show(move.identity)} was not moved`, { to: move.to, error });
      return error;
    } finally {
      patience.end();
    }
  }

  #plan({ only, tolerance }: CheckedRebalance): RebalancePlan {
    const { specs, placing, board } = this.#parts;
    const { membership } = this.#wiring;
    const all = [...specs.all()].filter(
      ({ state, owner }) => state === "running" && isMember(owner, membership),
    );
    const children = only
      ? all.filter((spec) => isSelected(selectorOf(only, peerOf(spec)), peerOf(spec)))
      : all;
    const ground = placing.groundOfStart();
    return planRebalance({ children, all, ground, defines: board.defines, tolerance });
  }

  /** Things change while others are moved. */
  #whyNotNow({ identity, from, to }: PlannedMove): string | undefined {
    const { specs, placing } = this.#parts;
    const { membership } = this.#wiring;
    const spec = specs.get(identity);
    if (spec?.state !== "running" || spec.owner.node !== from) {
      return "it does not run where it did when this was planned";
    }
    const target = membership.member(to);
    if (target?.status !== "alive") return "the node it should go to is not there, or is leaving";
    return judge(spec, [target], placing.groundOfStart()).refused[0]?.why;
  }

  #reportOf({ moves, skipped }: RebalancePlan, tell: Tell): RebalanceReport {
    tell({ type: "planned", moves: moves.length, skipped: skipped.length });
    const nothing = { done: [], failed: [], reason: undefined };
    return { planned: moves, skipped, ...nothing, ended: "dry-run" };
  }

  #onMembership(event: MembershipEvent): void {
    if (event.type === "node-down") {
      for (const cancel of this.#runs) cancel(`node ${event.node.name} went down`);
      // It may have been in the middle of it: whoever is named now looks again.
      if (event.node.id === this.#entrusted) this.#isDue = true;
    }
    if (event.type === "node-up" && event.previous === undefined) this.#isDue = true;
    if (event.type !== "node-suspect") this.#arm();
  }

  /** The membership has to be quiet for a while. */
  #arm(): void {
    if (this.#automatic === undefined || !this.#isDue || this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#wiring.clock.setTimer(this.#automatic.afterMs, () => void this.#onQuiet());
  }

  async #onQuiet(): Promise<void> {
    this.#isDue = false;
    const { coordinator } = this.#permit;
    this.#entrusted = coordinator === this.#wiring.self.node ? undefined : coordinator;
    if (this.#automatic === undefined || this.#entrusted !== undefined) return;
    try {
      const { ended } = await this.rebalance(this.#automatic.options, () => undefined);
      // Cut short: the next quiet time decides anew.
      if (ended === "cancelled") this.#isDue = true;
    } catch (error) {
      this.#wiring.logger.warn("The cluster could not be rebalanced", { error });
      this.#isDue = true;
    }
    this.#arm();
  }
}
