/**
 * Departures: the moves of children away from this node.
 *
 * A child that has left goes on being named here for `nameLingerMs`: the new node's claim outranks this one's, and until
 * a third node has heard of that claim it must find the process by the old one, or a call would fail for nothing.
 *
 * Invariant: at most one move of a child at a time.
 * Limit: `movesAtOnceMax`.
 */
import type { NodeId, Pid, Timer } from "@foundation/core";
import type { ChildSpec } from "../../protocol/child-spec.js";
import type { MigrationTimes } from "../../protocol/migration.js";
import { noProcess } from "../calls/local-calls.js";
import type { EarlierPlaces } from "../calls/earlier-places.js";
import type { Successors } from "../calls/successors.js";
import type { Patience } from "../patience.js";
import type { Supervision, SupervisionParts } from "../supervision/supervision.js";
import type { Wiring } from "../wiring.js";
import type { Alias, Aliases } from "./aliases.js";
import { Departure, type Leaving } from "./departure.js";
import type { Forwards } from "./forwards.js";
import type { Migrated, MigrationStep } from "./migration.js";
import { notMoved } from "./offer.js";

export class Departures {
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #supervision: Supervision;
  readonly #forwards: Forwards;
  readonly #successors: Successors;
  readonly #earlier: EarlierPlaces;
  readonly #times: MigrationTimes;
  readonly #aliases: () => Aliases;
  readonly #underWay = new Set<string>();
  /** Names of moved children that this node still claims. */
  readonly #lingering = new Map<string, { readonly serial: number; readonly timer: Timer }>();
  #attempts = 0;

  constructor(
    wiring: Wiring,
    parts: SupervisionParts,
    supervision: Supervision,
    forwards: Forwards,
    successors: Successors,
    earlier: EarlierPlaces,
    times: MigrationTimes,
    aliases: () => Aliases,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.#forwards = forwards;
    this.#successors = successors;
    this.#earlier = earlier;
    this.#times = times;
    this.#aliases = aliases;
  }

  /** Moves a child of this node. */
  async move(
    identity: string,
    to: NodeId,
    patience: Patience,
    tell: (step: MigrationStep) => void,
  ): Promise<Migrated> {
    const leaving = this.#begin(identity, to);
    this.#underWay.add(identity);
    try {
      const events = {
        step: tell,
        aliases: () => this.#aliases().aliasesOf(leaving.pid),
        committed: (spec: ChildSpec, successor: Pid) => this.#left(spec, leaving.pid, successor),
      };
      const { pid } = leaving;
      this.#wiring.logger.info(`Moving "${identity}"`, { identity, to, serial: pid.serial });
      const departure = new Departure(
        ...([this.#wiring, this.#parts, this.#supervision, this.#times] as const),
        ...([leaving, events] as const),
      );
      return await departure.run(patience);
    } finally {
      this.#underWay.delete(identity);
    }
  }

  /** True while this node names a process that it does not run any more. */
  isLingering(name: string, serial: number): boolean {
    return this.#lingering.get(name)?.serial === serial;
  }

  close(): void {
    for (const { timer } of this.#lingering.values()) timer.cancel();
    this.#lingering.clear();
  }

  /** @throws {ERR_NO_PROCESS} @throws {ERR_NOT_MOVED} */
  #begin(identity: string, to: NodeId): Leaving {
    const { membership, self, limits } = this.#wiring;
    const child = this.#supervision.children.get(identity);
    const refuse = (...why: [Parameters<typeof notMoved>[2], string]) =>
      notMoved(identity, to, ...why);
    if (child === undefined) throw noProcess(identity, "it is not a child of this node");
    const { spec, pid } = child;
    if (spec === undefined) {
      throw refuse("not-supervised", "it was started without { distribute: true }");
    }
    if (child.phase !== "running" || pid === undefined) {
      throw refuse("not-running", `it is ${child.phase} at the moment`);
    }
    if (to === self.node) throw refuse("same-node", "it runs there");
    const target = membership.member(to);
    if (target === undefined) throw refuse("unknown-node", "no member has that id");
    if (target.status === "draining") throw refuse("draining", "that node is about to leave");
    if (this.#underWay.has(identity)) throw refuse("busy", "it is being moved already");
    if (this.#underWay.size >= limits.movesAtOnceMax) {
      throw refuse("busy", `${limits.movesAtOnceMax} moves are under way (limits.movesAtOnceMax)`);
    }
    const owner = { node: target.id, boot: target.boot };
    const places = [pid, ...this.#earlier.of(pid.serial)].slice(0, limits.earlierPlacesMax);
    return { child, spec, pid, places, to: owner, attempt: ++this.#attempts };
  }

  /** In the very turn of the commit: nothing may reach the old instance any more. */
  #left(spec: ChildSpec, from: Pid, successor: Pid): readonly Alias[] {
    const { identity, incarnation, generation } = spec;
    this.#successors.set(from.serial, { pid: successor, incarnation, generation });
    const aliases = this.#aliases().takeAliases(from);
    this.#linger(identity, from);
    for (const { name, duplicate } of aliases) if (!duplicate) this.#linger(name, from);
    this.#supervision.children.handOff(identity, this.#forwards.to(successor));
    return aliases;
  }

  #linger(name: string, { serial }: Pid): void {
    const { clock, limits } = this.#wiring;
    this.#lingering.get(name)?.timer.cancel();
    const timer = clock.setTimer(limits.nameLingerMs, () => {
      this.#lingering.delete(name);
      this.#parts.names.withdraw(name, serial);
    });
    this.#lingering.set(name, { serial, timer });
  }
}
