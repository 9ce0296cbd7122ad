/**
 * Healing: what an ecosystem's plan says and what runs are brought together again.
 *
 * Supervision restarts a member that crashed, and takes over one whose node died. Left are those that were given up after
 * too many crashes, stopped by hand, or never started because the node that started the ecosystem died in the middle. One
 * node sees to a member: the one with the lowest id of those that could run it, so that they all agree without asking.
 * Two that disagree for a while do no harm, since a name is given once.
 *
 * A plan that loses against another one, written behind a partition, leaves strays: members the plan that stays knows
 * nothing of. They are remembered from the plan that was and stopped.
 *
 * Invariants: a member is started at most once in a pause, and the pause doubles while it keeps failing; with nothing to
 * heal there is no timer.
 * Limits: `sweepIntervalMs` between two looks, `ecosystemHealMs` to `ecosystemHealMaxMs` between two starts of one member.
 */
import { isFoundationError, type NodeId, type Placement, type Timer } from "@foundation/core";
import {
  membersOf,
  type EcosystemMember,
  type EcosystemPlan,
} from "../../protocol/ecosystem-plan.js";
import type { Wiring } from "../wiring.js";
import type { EcosystemMemberInfo } from "./ecosystem.js";
import { avoiding } from "./spreading.js";

/** What healing works with. */
export interface HealingParts {
  names(): readonly string[];
  plan(name: string): EcosystemPlan | undefined;
  statusOf(member: EcosystemMember): EcosystemMemberInfo["status"];
  /** Where it ran last. */
  ownerOf(identity: string): NodeId | undefined;
  defines(node: NodeId, definition: string): boolean;
  start(member: EcosystemMember, placement: Placement, signal: AbortSignal): Promise<void>;
  stop(member: EcosystemMember): Promise<void>;
  /** Gives a plan up of which nothing is left. */
  forget(name: string): void;
  /** Looks again at what its members were told. */
  look(name: string): void;
}

interface Attempt {
  readonly pauseMs: number;
  readonly notBeforeMs: number;
  readonly failedOn: ReadonlySet<NodeId>;
}

interface Stray {
  readonly ecosystem: string;
  readonly member: EcosystemMember;
}

export class Healing {
  readonly #wiring: Wiring;
  readonly #parts: HealingParts;
  readonly #attempts = new Map<string, Attempt>();
  /** The plans as they were looked at last. */
  readonly #seen = new Map<string, EcosystemPlan>();
  /** Members that are in no plan any more and may run, by name, with their ecosystem. */
  readonly #strays = new Map<string, Stray>();
  readonly #closing = new AbortController();
  /** Members that are being started or stopped. */
  readonly #busy = new Set<string>();
  #timer: Timer | undefined;

  constructor(wiring: Wiring, parts: HealingParts) {
    this.#wiring = wiring;
    this.#parts = parts;
  }

  /** A plan may have changed: who was in it and is not any more shall not run. */
  planned(ecosystem: string): void {
    const before = this.#seen.get(ecosystem);
    const plan = this.#parts.plan(ecosystem);
    if (plan === undefined) this.#seen.delete(ecosystem);
    else this.#seen.set(ecosystem, plan);
    const staying = new Set(plan && membersOf(ecosystem, plan).map(({ name }) => name));
    for (const member of before === undefined ? [] : membersOf(ecosystem, before)) {
      if (!staying.has(member.name)) this.#strays.set(member.name, { ecosystem, member });
    }
    this.#arm();
  }

  /** Looks from time to time, while there is anything to look at. */
  #arm(): void {
    if (this.#timer !== undefined || this.#closing.signal.aborted) return;
    if (this.#parts.names().length === 0) this.#attempts.clear();
    if (this.#parts.names().length === 0 && this.#strays.size === 0) return;
    const { clock, limits } = this.#wiring;
    this.#timer = clock.setTimer(limits.sweepIntervalMs, () => {
      this.#timer = undefined;
      for (const name of this.#parts.names()) this.#sweep(name);
      for (const stray of [...this.#strays.values()]) this.#catch(stray);
      this.#arm();
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#closing.abort();
  }

  #sweep(name: string): void {
    const plan = this.#parts.plan(name);
    if (plan === undefined) return;
    this.#parts.look(name);
    const members = membersOf(name, plan);
    if (plan.state === "stopping") return this.#finishStop(name, members);
    if (plan.faultTolerance !== "self-healing") return;
    for (const member of members) this.#heal(member);
  }

  #heal(member: EcosystemMember): void {
    const status = this.#parts.statusOf(member);
    const { clock, limits } = this.#wiring;
    const attempt = this.#attempts.get(member.name);
    const now = clock.now();
    if (status === "running" || status === "starting") {
      // It has run long enough for the pause to begin anew.
      if (attempt !== undefined && now >= attempt.notBeforeMs + limits.ecosystemHealMaxMs) {
        this.#attempts.delete(member.name);
      }
      return;
    }
    const mayNow = attempt === undefined || now >= attempt.notBeforeMs;
    if (!mayNow || !this.#isOurs(member) || this.#busy.has(member.name)) return;
    const failedOn = new Set(attempt?.failedOn);
    const owner = this.#parts.ownerOf(member.name);
    if (status === "failed" && owner !== undefined) failedOn.add(owner);
    const doubled = (attempt?.pauseMs ?? limits.ecosystemHealMs / 2) * 2;
    const pauseMs = Math.min(doubled, limits.ecosystemHealMaxMs);
    this.#attempts.set(member.name, { pauseMs, notBeforeMs: now + pauseMs, failedOn });
    void this.#start(member, avoiding(failedOn));
  }

  async #start(member: EcosystemMember, placement: Placement): Promise<void> {
    const { logger } = this.#wiring;
    this.#busy.add(member.name);
    try {
      await this.#parts.start(member, placement, this.#closing.signal);
      logger.warn("A member of an ecosystem was missing and is started again", {
        member: member.name,
      });
    } catch (error) {
      if (isFoundationError(error, "ERR_NAME_TAKEN") || this.#closing.signal.aborted) return;
      logger.warn("A member of an ecosystem is missing and did not start", {
        member: member.name,
        cause: error,
      });
    } finally {
      this.#busy.delete(member.name);
    }
  }

  #catch({ ecosystem, member }: Stray): void {
    const plan = this.#parts.plan(ecosystem);
    const belongs = plan && membersOf(ecosystem, plan).some(({ name }) => name === member.name);
    if (belongs === true || this.#parts.statusOf(member) === "missing") {
      this.#strays.delete(member.name);
    } else if (this.#isOurs(member)) void this.#stop(member);
  }

  /** Whoever shut it down has died, or had no time: the rest is stopped from here. */
  #finishStop(name: string, members: readonly EcosystemMember[]): void {
    const left = members.filter((member) => this.#parts.statusOf(member) !== "missing");
    if (left.length === 0) return this.#parts.forget(name);
    for (const member of left) if (this.#isOurs(member)) void this.#stop(member);
  }

  async #stop(member: EcosystemMember): Promise<void> {
    if (this.#busy.has(member.name)) return;
    this.#busy.add(member.name);
    try {
      await this.#parts.stop(member);
    } catch (error) {
      const { logger } = this.#wiring;
      logger.debug("A member of an ecosystem that ends was not stopped yet", { cause: error });
    } finally {
      this.#busy.delete(member.name);
    }
  }

  /** True on the node with the lowest id of those that could run it. */
  #isOurs({ kind }: EcosystemMember): boolean {
    const { membership, self } = this.#wiring;
    const able = membership
      .members()
      .filter(({ id, status }) => status !== "draining" && this.#parts.defines(id, kind.process))
      .map(({ id }) => id)
      .sort();
    return able[0] === self.node;
  }
}
