/**
 * Arrivals: copies of other nodes' children on this node, from their coming until they begin or are dropped. Carries out
 * what `stepTarget` decides.
 *
 * Invariants: a copy runs nothing before its commit; a copy that is not installed yet neither begins nor is answered for;
 * a strong one begins only when the name store has given this node its name.
 * Limits: `passiveCopiesMax`, `passiveHoldMs`, `handOverMs`, `stateBytesMax`.
 */
import {
  contractOf,
  type InboundMessage,
  type InboundStream,
  type Pid,
  type ProcessDefinition,
  type ProcessLease,
  type Timer,
} from "@foundation/core";
import {
  compareVersions,
  sameOwner,
  versionOf,
  type ChildSpec,
} from "../../protocol/child-spec.js";
import {
  learnToken,
  movedVersion,
  passiveCopy,
  stepTarget,
  type MigrationTimes,
  type PassiveCopy,
  type TargetEvent,
} from "../../protocol/migration.js";
import { parseSpec } from "../../protocol/parse-spec.js";
import type { EarlierPlaces } from "../calls/earlier-places.js";
import { parsePid } from "../calls/foundation-errors.js";
import { isStrong } from "../../protocol/strong.js";
import type { StrongLanding } from "../strong/strong-names.js";
import { startOf, type Supervision, type SupervisionParts } from "../supervision/supervision.js";
import { isMember, type Wiring } from "../wiring.js";
import { parseAliases, type Aliases, type NamesToAdopt } from "./aliases.js";
import {
  HANDED_OVER,
  notMoved,
  OFFER,
  parseOffer,
  WITHDRAW,
  type Accepted,
  type NotMovedReason,
  type Offer,
} from "./offer.js";
import { collect, stateOf } from "./state-transfer.js";

/**
 * The right of a strong process that is on its way. Before it has landed nothing is lost, and the copy, being passive, has
 * no use for it: it begins only after.
 */
class ComingLease implements ProcessLease {
  landed: ProcessLease | undefined = undefined;

  get token(): number {
    return this.landed?.token ?? 0;
  }

  get isHeld(): boolean {
    return this.landed === undefined || this.landed.isHeld;
  }
}

interface Arrival {
  readonly spec: ChildSpec;
  copy: PassiveCopy;
  timer: Timer | undefined;
  isInstalled: boolean;
  /** Only of a strong child. */
  lease: ComingLease | undefined;
  landing: StrongLanding | undefined;
  /** Resolves when the store has said to whom the name belongs, or did not in time. Only of a strong child. */
  decided: Promise<void> | undefined;
  /** The store did not say in time that the name is this node's: whatever a spec says, the copy may not begin. */
  isUndecided: boolean;
  /** Ends that it is counted among the children of this node, unless a spec says so by then. */
  release: () => void;
  /** The names given by hand that go along: as they were when the copy was made, until the hand-over says more. */
  names: NamesToAdopt | undefined;
}

export class Arrivals {
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #supervision: Supervision;
  readonly #earlier: EarlierPlaces;
  readonly #times: MigrationTimes;
  readonly #aliases: () => Aliases;
  readonly #arrivals = new Map<string, Arrival>();
  readonly #stops: (() => void)[];
  #idle: (() => void)[] = [];
  #closed = false;

  constructor(
    wiring: Wiring,
    parts: SupervisionParts,
    supervision: Supervision,
    earlier: EarlierPlaces,
    times: MigrationTimes,
    aliases: () => Aliases,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.#earlier = earlier;
    this.#times = times;
    this.#aliases = aliases;
    const { messenger, membership } = wiring;
    this.#stops = [
      messenger.handle(OFFER, (message) => this.#onOffer(message)),
      messenger.handleStream(OFFER, (stream) => this.#onStream(stream)),
      messenger.handle(WITHDRAW, (message) => this.#onWithdraw(message)),
      messenger.handle(HANDED_OVER, (message) => this.#onHandedOver(message)),
      parts.specs.subscribe((identity) => this.#onSpec(identity)),
      membership.subscribe(() => this.#onMembers()),
    ];
  }

  /** Copies that wait. */
  get size(): number {
    return this.#arrivals.size;
  }

  /** The owner of what this node has a copy of has gone, and this node is to take it over. */
  inherit(identity: string): void {
    const arrival = this.#arrivals.get(identity);
    const known = this.#parts.specs.get(identity);
    if (arrival === undefined || known === undefined) return;
    this.#tell(arrival, { type: "inherit", version: versionOf(known) });
  }

  /** Resolves when no copy waits. */
  settled(): Promise<void> {
    if (this.#arrivals.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** What is here ends with the other children of this node. */
  close(): void {
    this.#closed = true;
    for (const stop of this.#stops) stop();
    for (const arrival of this.#arrivals.values()) this.#letGo(arrival);
    this.#arrivals.clear();
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #onOffer(message: InboundMessage): Promise<Accepted> {
    const { from, fromBoot, signal } = message;
    const come = stateOf(message);
    const { earlierPlacesMax } = this.#wiring.limits;
    const offer = parseOffer(come?.head, from, fromBoot, earlierPlacesMax);
    if (offer === undefined || come === undefined) throw this.#refusal(offer, "contract");
    return this.#take(offer, come.state, signal);
  }

  async #onStream(stream: InboundStream): Promise<Accepted> {
    const { earlierPlacesMax, stateBytesMax } = this.#wiring.limits;
    const offer = parseOffer(stream.metadata, stream.from, stream.fromBoot, earlierPlacesMax);
    if (offer === undefined) throw this.#refusal(offer, "contract");
    // Before its bytes: what is refused need not come.
    this.#definitionFor(offer);
    const state = await collect(stream, stateBytesMax);
    if (state === undefined) throw this.#refusal(offer, "too-large");
    return this.#take(offer, state, stream.signal);
  }

  async #take(offer: Offer, state: Uint8Array, signal: AbortSignal): Promise<Accepted> {
    const { spec, attempt, version, places, names } = offer;
    const { identity } = spec;
    const { children } = this.#supervision;
    await this.#replace(offer);
    const definition = this.#definitionFor(offer);
    this.#parts.placing.refuseHere(spec);
    const { self, clock, codec } = this.#wiring;
    const copy = passiveCopy(versionOf(spec), self, attempt, clock.now(), this.#times);
    const lease = isStrong(spec) ? new ComingLease() : undefined;
    const arrival: Arrival = {
      ...{ spec, copy, lease, timer: undefined, isInstalled: false, names },
      ...{ landing: undefined, decided: undefined, isUndecided: false },
      release: () => undefined,
    };
    this.#arrivals.set(identity, arrival);
    // The copy's own version, where the news had not come: the takeover is judged by it.
    this.#parts.specs.put(spec);
    // The room it was given is nobody else's meanwhile.
    arrival.release = this.#parts.placing.reserve(spec, this.#wiring.membership.self);
    this.#arm(arrival);
    try {
      const installed = { install: { state: codec.decode(state), version }, lease };
      const start = { ...startOf(spec, definition), lease };
      const pid = await children.install(start, installed, signal);
      if (this.#arrivals.get(identity) !== arrival) throw this.#refusal(offer, "outdated");
      this.#earlier.set(pid.serial, places);
      if (lease !== undefined) await this.#prepare(arrival, lease, signal);
      arrival.isInstalled = true;
      this.#settle(arrival);
      return { pid, landing: arrival.landing?.landing };
    } catch (error) {
      this.#drop(arrival);
      throw error;
    }
  }

  /**
   * An older copy goes before a newer one of the same source comes, which has given the older one up. That of another
   * source may yet be committed, whatever is known of it here: it keeps its place for its time.
   */
  async #replace(offer: Offer): Promise<void> {
    const { spec, attempt } = offer;
    const older = this.#arrivals.get(spec.identity);
    if (older === undefined) return;
    const isRetry = sameOwner(older.copy.base.owner, spec.owner) && attempt > older.copy.attempt;
    if (older.copy.phase !== "held" || !isRetry) throw this.#refusal(offer, "occupied");
    this.#drop(older);
    await this.#supervision.children.end(spec.identity, { type: "shutdown" });
  }

  async #prepare(arrival: Arrival, lease: ComingLease, signal: AbortSignal): Promise<void> {
    const { identity } = arrival.spec;
    const timeoutMs = this.#times.holdMs;
    const landing = await this.#parts.strong.prepare(identity, { timeoutMs, signal });
    if (this.#arrivals.get(identity) !== arrival) {
      await landing.close();
      throw notMoved(identity, this.#wiring.self.node, "outdated", "the move was given up");
    }
    arrival.landing = landing;
    arrival.decided = landing.landed({ timeoutMs }).then(
      (landed) => {
        lease.landed = landed;
        if (this.#arrivals.get(identity) !== arrival) return;
        // The store has spoken: whatever becomes of the source, the child is this node's.
        arrival.copy = { ...arrival.copy, token: landed.token };
        this.#parts.specs.put(movedSpec(arrival));
        this.#settle(arrival);
      },
      (error: unknown) => {
        this.#wiring.logger.debug("A strong name did not come", { error });
        arrival.isUndecided = true;
        this.#settle(arrival);
      },
    );
  }

  #onWithdraw({ payload, from }: InboundMessage): void {
    if (!Array.isArray(payload)) return;
    const [identity, attempt] = payload as readonly unknown[];
    const arrival = typeof identity === "string" ? this.#arrivals.get(identity) : undefined;
    if (arrival?.copy.attempt !== attempt || arrival?.copy.base.owner.node !== from) return;
    this.#tell(arrival, { type: "withdrawn" });
  }

  #onHandedOver({ payload }: InboundMessage): boolean | Promise<boolean> {
    const [known, old, aliases] = (Array.isArray(payload) ? payload : []) as readonly unknown[];
    const spec = parseSpec(known);
    const from = parsePid(old);
    if (spec === undefined || from === undefined) return false;
    this.#parts.specs.put(spec);
    const arrival = this.#arrivals.get(spec.identity);
    const names = { aliases: parseAliases(aliases), from };
    if (arrival !== undefined) {
      arrival.names = names;
      this.#learn(arrival, spec);
      this.#tell(arrival, { type: "handed-over", version: versionOf(spec) });
      // The source may have heard from the store before this node has.
      const { copy, decided } = arrival;
      if (copy.phase === "begun" && decided !== undefined) {
        return decided.then(() => this.#runs(spec, names));
      }
    }
    return this.#runs(spec, names);
  }

  /** Whether the child runs here as the spec says, which then has its names. */
  #runs(spec: ChildSpec, names: NamesToAdopt): boolean {
    const child = this.#supervision.children.get(spec.identity);
    if (child?.spec === undefined || compareVersions(child.spec, spec) < 0) return false;
    if (child.pid !== undefined) this.#adopt(names, child.pid);
    return true;
  }

  /** A name that cannot be claimed here is not worth the move. */
  #adopt({ aliases, from }: NamesToAdopt, pid: Pid): void {
    try {
      if (aliases.length > 0) this.#aliases().adoptAliases(aliases, pid, from);
    } catch (error) {
      this.#wiring.logger.error("Names of a moved process were lost", { error });
    }
  }

  #onSpec(identity: string): void {
    const arrival = this.#arrivals.get(identity);
    const known = arrival && this.#parts.specs.get(identity);
    if (arrival === undefined || known === undefined) return;
    const nowMs = this.#wiring.clock.now();
    this.#learn(arrival, known);
    this.#tell(arrival, { type: "spec", version: versionOf(known), nowMs });
  }

  #onMembers(): void {
    for (const arrival of [...this.#arrivals.values()]) {
      if (isMember(arrival.copy.base.owner, this.#wiring.membership)) continue;
      this.#tell(arrival, { type: "source-gone" });
    }
  }

  #learn(arrival: Arrival, spec: ChildSpec): void {
    if (arrival.lease !== undefined) arrival.copy = learnToken(arrival.copy, versionOf(spec));
  }

  #tell(arrival: Arrival, event: TargetEvent): void {
    const { phase, untilMs } = arrival.copy;
    arrival.copy = stepTarget(arrival.copy, event, this.#times);
    if (arrival.copy.phase !== phase) this.#settle(arrival);
    if (arrival.copy.untilMs !== untilMs) this.#arm(arrival);
  }

  /** Does what the copy's phase says, once it can. */
  #settle(arrival: Arrival): void {
    const { identity } = arrival.spec;
    if (this.#closed || this.#arrivals.get(identity) !== arrival) return;
    if (arrival.copy.phase === "dropped") return this.#drop(arrival);
    if (arrival.copy.phase !== "begun" || !arrival.isInstalled) return;
    if (arrival.lease !== undefined && arrival.lease.landed === undefined) {
      // It would wait for ever. Whoever takes the name next starts the child anew.
      if (arrival.isUndecided) this.#drop(arrival);
      return;
    }
    this.#remove(identity);
    arrival.timer?.cancel();
    const spec = movedSpec(arrival);
    const { logger, metrics } = this.#wiring;
    try {
      this.#parts.specs.put(spec);
      const { children } = this.#supervision;
      const pid = children.get(identity)?.pid;
      children.begin(identity, spec);
      if (arrival.names !== undefined && pid !== undefined) this.#adopt(arrival.names, pid);
      metrics.moves.add();
      logger.info(`"${identity}" has moved here`, { identity, from: arrival.spec.owner.node });
    } catch (error) {
      // Its name could not be published: it ends here, and the sweep starts it anew.
      logger.error("A child that has moved here could not begin", { identity, error });
      void this.#supervision.children.end(identity, { type: "shutdown" });
    }
  }

  #drop(arrival: Arrival): void {
    const { identity } = arrival.spec;
    if (this.#arrivals.get(identity) !== arrival) return;
    this.#remove(identity);
    this.#letGo(arrival);
    this.#wiring.logger.debug("A copy of a child was dropped", { identity });
    if (this.#supervision.children.get(identity)?.phase !== "passive") return;
    void this.#supervision.children.end(identity, { type: "shutdown" });
  }

  #remove(identity: string): void {
    this.#arrivals.delete(identity);
    if (this.#arrivals.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #letGo({ timer, landing, release }: Arrival): void {
    timer?.cancel();
    release();
    void landing?.close().catch((error: unknown) => {
      this.#wiring.logger.debug("A landing could not be closed", { error });
    });
  }

  #arm(arrival: Arrival): void {
    const { clock } = this.#wiring;
    arrival.timer?.cancel();
    arrival.timer = clock.setTimer(Math.max(0, arrival.copy.untilMs - clock.now()), () => {
      this.#tell(arrival, { type: "time", nowMs: clock.now() });
    });
  }

  /** @throws {ERR_NOT_MOVED} this node does not take it */
  #definitionFor(offer: Offer): ProcessDefinition {
    const { spec, version, contract } = offer;
    const { definitions, limits } = this.#wiring;
    const known = this.#parts.specs.get(spec.identity);
    const definition = definitions.get(spec.definition);
    if (this.#closed || this.#supervision.draining) throw this.#refusal(offer, "draining");
    if (definition === undefined) throw this.#refusal(offer, "undefined");
    const isOther = definition.version === version && contractOf(definition) !== contract;
    if (isOther) throw this.#refusal(offer, "contract");
    const isOld = known !== undefined && compareVersions(known, spec) > 0;
    if (isOld) throw this.#refusal(offer, "outdated");
    const child = this.#supervision.children.get(spec.identity);
    if (child !== undefined && child.phase !== "passive") throw this.#refusal(offer, "occupied");
    if (this.#arrivals.size >= limits.passiveCopiesMax) throw this.#refusal(offer, "busy");
    return definition;
  }

  #refusal(offer: Offer | undefined, reason: keyof typeof REFUSALS): Error {
    const identity = offer?.spec.identity ?? "?";
    return notMoved(identity, this.#wiring.self.node, reason, REFUSALS[reason]);
  }
}

/** For people. */
const REFUSALS = {
  draining: "that node is about to leave",
  undefined: "that node does not define the process",
  contract: "that node has another definition of that name and version",
  outdated: "that node knows a newer version of it",
  occupied: "a process under that name runs there already, or is expected from another node",
  busy: "that node waits for as many moved processes as limits.passiveCopiesMax allows",
  "too-large": "its state is larger than that node's limits.stateBytesMax",
} as const satisfies Partial<Record<NotMovedReason, string>>;

/** The spec by which the copy is this node's child. */
function movedSpec({ spec, copy }: Arrival): ChildSpec {
  return { ...spec, ...movedVersion(copy.base, copy.target, copy.token), reason: undefined };
}
