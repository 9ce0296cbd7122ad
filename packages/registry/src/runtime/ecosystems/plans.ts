/**
 * Plans: who belongs to which ecosystem, as this node knows it and writes it.
 *
 * A replicated map holds them, so that every node can go on with an ecosystem; what another version wrote is read as none.
 *
 * Invariants: each write has a later stamp than what it follows, so that of two writes all nodes keep the same; a write that
 * another one outruns changes nothing; what was written is sent at once.
 */
import { coreErrors, type NodeId } from "@foundation/core";
import type { VersionedMap } from "@foundation/crdt";
import { parsePlan, type EcosystemPlan, type PlanStamp } from "../../protocol/ecosystem-plan.js";

export class Plans {
  readonly #map: VersionedMap<unknown, PlanStamp>;
  readonly #self: NodeId;

  constructor(map: VersionedMap<unknown, PlanStamp>, self: NodeId) {
    this.#map = map;
    this.#self = self;
  }

  get size(): number {
    return this.#map.size;
  }

  /** The names of the ecosystems. */
  names(): readonly string[] {
    return [...this.#map.keys()];
  }

  has(name: string): boolean {
    return this.#map.has(name);
  }

  get(name: string): EcosystemPlan | undefined {
    return parsePlan(this.#map.get(name));
  }

  /** The plan of one that runs. @throws {ERR_NO_PROCESS} */
  required(name: string): EcosystemPlan {
    const plan = this.get(name);
    if (plan?.state === "running") return plan;
    throw coreErrors.ERR_NO_PROCESS(
      `No ecosystem "${name}" runs: it was shut down, or is not known on this node yet`,
      { process: name },
    );
  }

  /** Who wrote the plan that holds. */
  writerOf(name: string): NodeId | undefined {
    return this.#map.stampOf(name)?.node;
  }

  /** False where it is not the plan that holds. */
  put(name: string, plan: EcosystemPlan): boolean {
    if (!this.#map.set(name, plan, this.#nextStamp(name))) return false;
    this.#map.flush();
    return true;
  }

  /** Gives the plan up: nothing of it runs any more. */
  forget(name: string): void {
    this.#map.delete(name, this.#nextStamp(name));
    this.#map.flush();
  }

  subscribe(listener: (name: string) => void): () => void {
    return this.#map.subscribe(({ key }) => listener(key));
  }

  close(): Promise<void> {
    return this.#map.close();
  }

  #nextStamp(name: string): PlanStamp {
    const revision = (this.#map.stampOf(name)?.revision ?? 0) + 1;
    return { revision, node: this.#self };
  }
}
