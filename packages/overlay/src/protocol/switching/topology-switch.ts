/**
 * TopologySwitch: which topology the cluster has, agreed without a leader.
 *
 * Each node holds a record; the greatest one heard holds (`record.ts`). It is told on every link
 * that comes up, told on when it is new, answered with when somebody has a lesser one, and
 * repeated now and then, so in a connected cluster all end on the same one. While records differ
 * nothing breaks: each topology takes the links of the others.
 *
 * In `auto` the member with the lowest id decides by the size of the cluster; others only when it
 * has not for a minute, since it may see another size, or be paused. A switch by hand pins the
 * topology until somebody switches back to "auto".
 *
 * A node that has just started follows the first record it hears and says nothing of its own
 * configuration for the first seconds: a cluster does not change because somebody joined who was
 * configured otherwise.
 *
 * Invariants: the record only grows, but for the first one heard; no automatic decision within
 * `dwellMs` of a change, or while pinned; a decision made by size is one that the size, alone,
 * would not undo.
 */
import type { NodeId, Random } from "@foundation/core";
import { assert } from "../assert.js";
import type { SwitchCounter, SwitchEffect, SwitchInput } from "./effects.js";
import {
  switchLimits,
  switchThresholds,
  switchTimes,
  type SwitchThresholds,
  type SwitchTimes,
} from "./limits.js";
import { compareRecords, type SwitchRecord } from "./record.js";
import { assertThresholds, isLarger, nextTopology } from "./thresholds.js";
import type { TopologyMode, TopologyName } from "./topologies.js";

export interface TopologySwitchOptions {
  readonly self: NodeId;
  /** What this node is configured with: how a new cluster begins. */
  readonly mode: TopologyMode;
  readonly random: Random;
  readonly times?: Partial<SwitchTimes>;
  readonly thresholds?: Partial<SwitchThresholds>;
}

/** The cluster has outgrown its topology, or become too small for it. */
interface Wish {
  readonly grows: boolean;
  readonly since: number;
  /** How much longer than the lowest member this node waits. */
  readonly patienceMs: number;
}

export class TopologySwitch {
  readonly #self: NodeId;
  readonly #configured: TopologyMode;
  readonly #random: Random;
  readonly #times: SwitchTimes;
  readonly #thresholds: SwitchThresholds;
  readonly #links = new Set<NodeId>();
  #effects: SwitchEffect[] = [];
  #phase: "waiting" | "running" | "left" = "waiting";
  /** It has heard a record, listened for long enough, or decided. */
  #isSettled = false;
  #record: SwitchRecord;
  #changedAt = -Infinity;
  #members = 0;
  #lowest: NodeId | undefined;
  #wish: Wish | undefined;
  #decideAt = Infinity;

  constructor({ self, mode, random, times, thresholds }: TopologySwitchOptions) {
    this.#self = self;
    this.#configured = mode;
    this.#random = random;
    this.#times = { ...switchTimes, ...times };
    this.#thresholds = { ...switchThresholds, ...thresholds };
    assertThresholds(this.#thresholds);
    const isAuto = mode === "auto";
    const topology = isAuto ? "full-mesh" : mode;
    this.#record = { epoch: 0, turn: 0, mode: topology, pinned: !isAuto, by: self };
  }

  /** The topology this node lays its links out by. */
  get topology(): TopologyName {
    return this.#record.mode;
  }

  /** What holds for this node; also what it tells others, once it does. */
  get record(): SwitchRecord {
    return this.#record;
  }

  /** False during the first seconds, while this node only listens. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Takes one input and gives the effects, to be carried out in order. */
  handle(input: SwitchInput, now: number): SwitchEffect[] {
    if (this.#phase !== "left") {
      this.#takeIn(input, now);
      if (input.type !== "leave") this.#decide(now);
    }
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #takeIn(input: SwitchInput, now: number): void {
    switch (input.type) {
      case "start":
        this.#phase = "running";
        if (!this.#isSettled) this.#settleLater();
        this.#repeatLater();
        return;
      case "members":
        this.#members = input.count;
        this.#lowest = input.lowest;
        return;
      case "link-up":
        this.#links.add(input.id);
        if (this.#isSettled) this.#tell([input.id]);
        return;
      case "link-down":
        this.#links.delete(input.id);
        return;
      case "message":
        this.#heard(input.message.record, input.from, now);
        return;
      case "switch":
        this.#switchTo(input.to, now);
        return;
      case "timer":
        this.#fired(input.timer);
        return;
      case "leave":
        this.#phase = "left";
        for (const timer of ["settle", "repeat", "decide"]) {
          this.#effects.push({ type: "cancel-timer", timer });
        }
        return;
      default:
        input satisfies never;
    }
  }

  #heard(record: SwitchRecord, from: NodeId, now: number): void {
    const order = compareRecords(record, this.#record);
    if (!this.#isSettled) {
      this.#settle();
      if (this.#isConfiguredOtherwise(record)) this.#tally("configured-otherwise");
    } else if (order <= 0) {
      if (order < 0) this.#tell([from]);
      return;
    } else if (this.#isOwnByHand() && record.epoch === this.#record.epoch) {
      this.#tally("overruled");
    }
    const others = this.#othersToTell(from);
    this.#adopt(record, now);
    this.#tell(others);
  }

  #isConfiguredOtherwise({ epoch, mode, pinned }: SwitchRecord): boolean {
    return this.#configured === "auto" ? epoch === 0 && pinned : mode !== this.#configured;
  }

  #isOwnByHand(): boolean {
    return this.#record.by === this.#self && this.#record.turn === 0 && this.#record.epoch > 0;
  }

  /** By the links of the topology that is there: in a full mesh the author has told all. */
  #othersToTell(from: NodeId): readonly NodeId[] {
    const others = [...this.#links].filter((id) => id !== from);
    const { relayedTo } = switchLimits;
    if (this.#record.mode !== "full-mesh" || others.length <= relayedTo) return others;
    for (let index = 0; index < relayedTo; index += 1) {
      const drawn = index + Math.floor(this.#random.next() * (others.length - index));
      const other = others[drawn] as NodeId;
      others[drawn] = others[index] as NodeId;
      others[index] = other;
    }
    return others.slice(0, relayedTo);
  }

  #switchTo(to: TopologyMode, now: number): void {
    const { epoch, mode, pinned } = this.#record;
    const isSo = to === "auto" ? !pinned : pinned && mode === to;
    if (isSo) return;
    if (epoch >= switchLimits.decisionsMax) {
      this.#tally("decisions-exhausted");
      return;
    }
    const next = to === "auto" ? this.#bySize() : to;
    this.#settle();
    this.#adopt(
      { epoch: epoch + 1, turn: 0, mode: next, pinned: to !== "auto", by: this.#self },
      now,
    );
    this.#tell([...this.#links]);
  }

  /** Decides by the size of the cluster when it is time, and waits for that time otherwise. */
  #decide(now: number): void {
    const { epoch, turn, mode, pinned } = this.#record;
    const next = this.#isSettled && !pinned ? this.#bySize() : mode;
    let dueAt = Infinity;
    if (next === mode) this.#wish = undefined;
    else if (turn >= switchLimits.decisionsMax) this.#tally("decisions-exhausted");
    else dueAt = this.#dueAt(isLarger(next, mode), now);
    if (now < dueAt) {
      this.#decideLater(dueAt, now);
      return;
    }
    this.#decideLater(Infinity, now);
    this.#tally("decided");
    this.#adopt({ epoch, turn: turn + 1, mode: next, pinned: false, by: this.#self }, now);
    this.#tell([...this.#links]);
  }

  /** The topology that the size asks for; while the size is unknown, the one that is there. */
  #bySize(): TopologyName {
    if (this.#lowest === undefined) return this.#record.mode;
    return nextTopology(this.#record.mode, this.#members, this.#thresholds);
  }

  /** When the wish to grow or shrink has stood for long enough. */
  #dueAt(grows: boolean, now: number): number {
    const { growthMs, shrinkMs, dwellMs, patienceMs, patienceSpreadMs } = this.#times;
    if (this.#wish?.grows !== grows) {
      const spreadMs = Math.floor(this.#random.next() * patienceSpreadMs);
      this.#wish = { grows, since: now, patienceMs: patienceMs + spreadMs };
    }
    const stoodAt = this.#wish.since + (grows ? growthMs : shrinkMs);
    const dueAt = Math.max(stoodAt, this.#changedAt + dwellMs);
    return this.#lowest === this.#self ? dueAt : dueAt + this.#wish.patienceMs;
  }

  #adopt(record: SwitchRecord, now: number): void {
    const from = this.#record.mode;
    assert(!record.pinned || record.turn === 0, "a pin is decided by hand");
    this.#record = record;
    this.#wish = undefined;
    if (record.mode === from) return;
    this.#changedAt = now;
    this.#effects.push({ type: "change", from, to: record.mode, record });
  }

  #fired(timer: string): void {
    if (timer === "settle" && !this.#isSettled) {
      this.#isSettled = true;
      this.#tell([...this.#links]);
    }
    if (timer === "decide") this.#decideAt = Infinity;
    if (timer === "repeat") {
      const links = [...this.#links];
      const neighbour = links[Math.floor(this.#random.next() * links.length)];
      if (this.#isSettled && neighbour !== undefined) this.#tell([neighbour]);
      this.#repeatLater();
    }
  }

  #settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    if (this.#phase === "running") this.#effects.push({ type: "cancel-timer", timer: "settle" });
  }

  #tell(to: readonly NodeId[]): void {
    if (to.length === 0) return;
    this.#effects.push({ type: "tell", to, message: { type: "topology", record: this.#record } });
  }

  /** Not all at once: most hear the first one, and say nothing. */
  #settleLater(): void {
    const { settleMs, settleSpreadMs } = this.#times;
    this.#setTimer("settle", settleMs + Math.floor(this.#random.next() * settleSpreadMs));
  }

  #repeatLater(): void {
    this.#setTimer("repeat", Math.round(this.#times.repeatMs * (0.8 + 0.4 * this.#random.next())));
  }

  #decideLater(dueAt: number, now: number): void {
    if (dueAt === this.#decideAt) return;
    this.#decideAt = dueAt;
    if (dueAt === Infinity) this.#effects.push({ type: "cancel-timer", timer: "decide" });
    else this.#setTimer("decide", Math.max(0, dueAt - now));
  }

  #setTimer(timer: string, delayMs: number): void {
    this.#effects.push({ type: "set-timer", timer, delayMs });
  }

  #tally(counter: SwitchCounter): void {
    this.#effects.push({ type: "count", counter });
  }
}
