/**
 * Places: tells the members of ecosystems that run on this node who is next to them.
 *
 * A process that was started again has forgotten its place, and one that stays may get another when the ecosystem grows or
 * shrinks. So whenever a plan or the name of a member changes, all that is known here is looked at once, at the end of the
 * turn, and whoever does not know its place is told.
 *
 * Invariants: a process is told each of its places once, as long as it runs here; nobody is told of an ecosystem that ends.
 */
import { ecosystemOf, membersOf, type EcosystemPlan } from "../../protocol/ecosystem-plan.js";
import { placeOf } from "../../protocol/ecosystem-topology.js";
import type { Registry } from "../registry.js";
import type { Wiring } from "../wiring.js";

/** What telling places works with. */
export interface PlacesParts {
  readonly registry: Pick<Registry, "lookup">;
  plan(name: string): EcosystemPlan | undefined;
  /** Called after each look at an ecosystem. */
  looked(name: string): void;
}

export class Places {
  readonly #wiring: Wiring;
  readonly #parts: PlacesParts;
  /** Of each member that runs here: which process was told what. */
  readonly #told = new Map<string, { readonly serial: number; readonly place: string }>();
  /** Ecosystems to look at when the turn ends. */
  readonly #marked = new Set<string>();
  #closed = false;

  constructor(wiring: Wiring, parts: PlacesParts) {
    this.#wiring = wiring;
    this.#parts = parts;
  }

  /** Something of that ecosystem has changed. */
  mark(name: string): void {
    this.#marked.add(name);
    if (this.#marked.size > 1 || this.#closed) return;
    this.#wiring.clock.endOfTurn(() => {
      const names = [...this.#marked];
      this.#marked.clear();
      if (this.#closed) return;
      for (const marked of names) {
        this.#tell(marked);
        this.#parts.looked(marked);
      }
    });
  }

  close(): void {
    this.#closed = true;
    this.#told.clear();
  }

  /** Tells the members that run here their place, where they do not know it. */
  #tell(name: string): void {
    const plan = this.#parts.plan(name);
    const members = plan?.state === "running" ? membersOf(name, plan) : [];
    for (const [position, member] of members.entries()) {
      const pid = this.#parts.registry.lookup(member.name)?.pid;
      const { self, definitions, kernel } = this.#wiring;
      if (pid?.node !== self.node || pid.boot !== self.boot) {
        this.#told.delete(member.name);
        continue;
      }
      if (plan === undefined || definitions.get(member.kind.process)?.info === undefined) continue;
      const payload = placeOf(name, plan, members, position);
      const place = JSON.stringify(payload);
      const told = this.#told.get(member.name);
      if (told?.serial === pid.serial && told.place === place) continue;
      const message = { type: "info", payload, sender: self.node, trace: undefined } as const;
      if (kernel.deliver(pid, message) !== "accepted") continue;
      this.#told.set(member.name, { serial: pid.serial, place });
    }
    if (members.length > 0) return;
    for (const told of this.#told.keys()) if (ecosystemOf(told) === name) this.#told.delete(told);
  }
}
