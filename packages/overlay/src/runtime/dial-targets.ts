/**
 * DialTargets: the addresses this node wants a coordination link to, each dialled until it is
 * linked or forgotten.
 *
 * Invariants: one attempt at a time for an address; a failed attempt is told for each id that was
 * asked for, or once without an id; an address that turned out to be our own is never dialled
 * again.
 */
import type { NodeId, Random, Timer } from "@foundation/core";
import type { LinkEvent, LinkTarget } from "../membership/link-layer.js";
import { DIAL } from "../limits.js";
import { backoffMs } from "./backoff.js";
import type { DialOutcome, Dialling } from "./dialling.js";
import type { World } from "./world.js";

export const COORDINATION = "coordination";

interface Target {
  readonly address: string;
  readonly ids: Set<NodeId>;
  /** Wanted whoever answers. */
  anyone: boolean;
  failures: number;
  dialling: boolean;
  timer: Timer | undefined;
}

export class DialTargets {
  readonly #world: World;
  readonly #random: Random;
  readonly #dialling: Dialling;
  readonly #isLinked: (id: NodeId) => boolean;
  readonly #emit: (event: LinkEvent) => void;
  readonly #targets = new Map<string, Target>();
  readonly #own = new Set<string>();
  #closed = false;

  constructor(
    world: World,
    dialling: Dialling,
    isLinked: (id: NodeId) => boolean,
    emit: (event: LinkEvent) => void,
  ) {
    this.#world = world;
    this.#random = world.random.fork("dial");
    this.#dialling = dialling;
    this.#isLinked = isLinked;
    this.#emit = emit;
  }

  want({ id, address }: LinkTarget): void {
    const { self } = this.#world;
    if (this.#closed || id === self.id || address === self.address || this.#own.has(address))
      return;
    if (id !== undefined && this.#isLinked(id)) return;
    let target = this.#targets.get(address);
    if (target === undefined) {
      if (this.#targets.size >= DIAL.targetsMax) {
        this.#world.logger.warn("too many addresses to dial: one was ignored", {
          address,
          limit: DIAL.targetsMax,
        });
        return;
      }
      target = {
        address,
        ids: new Set(),
        anyone: false,
        failures: 0,
        dialling: false,
        timer: undefined,
      };
      this.#targets.set(address, target);
    }
    if (id === undefined) target.anyone = true;
    else target.ids.add(id);
    if (!target.dialling && target.timer === undefined) this.#attempt(target);
  }

  /** A node is linked: it is dialled no more, under whatever address. */
  linked(id: NodeId, address: string): void {
    for (const target of [...this.#targets.values()]) {
      target.ids.delete(id);
      const done = target.address === address || (target.ids.size === 0 && !target.anyone);
      if (done) this.forget(target.address);
    }
  }

  /** A node is not wanted any more. */
  unwanted(id: NodeId): void {
    for (const target of [...this.#targets.values()]) {
      if (target.ids.delete(id) && target.ids.size === 0 && !target.anyone)
        this.forget(target.address);
    }
  }

  forget(address: string): void {
    const target = this.#targets.get(address);
    target?.timer?.cancel();
    this.#targets.delete(address);
  }

  close(): void {
    this.#closed = true;
    for (const address of [...this.#targets.keys()]) this.forget(address);
  }

  #attempt(target: Target): void {
    target.timer = undefined;
    target.dialling = true;
    const [id, ...others] = target.ids;
    this.#dialling.dial({
      id: others.length === 0 ? id : undefined,
      address: target.address,
      channel: COORDINATION,
      lane: 0,
      done: (outcome) => {
        target.dialling = false;
        this.#onOutcome(target, outcome);
      },
    });
  }

  #onOutcome(target: Target, outcome: DialOutcome): void {
    if (outcome.type === "established") {
      this.#tellGone(target, outcome.peer.id);
      this.#answered(target, outcome.peer.id);
      return;
    }
    if (this.#targets.get(target.address) !== target) return;
    if (outcome.type === "refused" && outcome.refusal.code === "ERR_SELF_DIAL") {
      this.#own.add(target.address);
      this.forget(target.address);
      return;
    }
    this.#retryLater(target);
    if (outcome.type === "refused") {
      const { code, claimed } = outcome.refusal;
      if (code === "ERR_DUPLICATE_LINK") {
        if (claimed !== undefined && this.#isLinked(claimed.id)) {
          this.#tellGone(target, claimed.id);
          this.#answered(target, claimed.id);
        }
        return;
      }
      this.#tell(target, (id) => ({ type: "dial-failed", ...id, address: target.address, code }));
      return;
    }
    const { code, reason } = outcome;
    this.#world.logger.debug("a dial failed", { address: target.address, code, reason });
    this.#tell(target, (id) =>
      code === "ERR_DIAL_REFUSED"
        ? { type: "dial-refused", ...id, address: target.address }
        : { type: "dial-failed", ...id, address: target.address, code },
    );
  }

  /** Another process has taken the address: whoever was wanted there is gone. */
  #tellGone(target: Target, there: NodeId): void {
    for (const id of target.ids) {
      if (id !== there) this.#emit({ type: "dial-refused", id, address: target.address });
    }
  }

  #answered(target: Target, id: NodeId): void {
    this.forget(target.address);
    this.#emit({ type: "dial-answered", id, address: target.address });
  }

  #retryLater(target: Target): void {
    target.failures += 1;
    const delayMs = backoffMs(target.failures, this.#random);
    target.timer = this.#world.clock.setTimer(delayMs, () => this.#attempt(target));
  }

  #tell(target: Target, event: (id: { id?: NodeId }) => LinkEvent): void {
    if (target.ids.size === 0) this.#emit(event({}));
    for (const id of [...target.ids]) this.#emit(event({ id }));
  }
}
