/**
 * OverlayNode: one node's two cores, with its links and timers.
 *
 * It does what the product's shell does: what happens to links goes to the view, the view's neighbours to the tree, and
 * the effects of both are carried out in their order.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import type {
  HyParViewEffect,
  HyParViewInput,
} from "../../../packages/overlay/src/protocol/hyparview/effects.js";
import { HyParView } from "../../../packages/overlay/src/protocol/hyparview/hyparview.js";
import type { HyParViewMessage } from "../../../packages/overlay/src/protocol/hyparview/messages.js";
import type {
  PlumtreeEffect,
  PlumtreeInput,
} from "../../../packages/overlay/src/protocol/plumtree/effects.js";
import { Plumtree } from "../../../packages/overlay/src/protocol/plumtree/plumtree.js";
import type { Broadcast } from "./broadcast.js";
import {
  DialArrival,
  DialFailure,
  LinkAnswer,
  LinkEnd,
  LinkLoss,
  ReleaseCheck,
  TreeDelivery,
  ViewDelivery,
  type Due,
  type TreeMessage,
} from "./link.js";
import type { OverlayWorld } from "./overlay-world.js";

/** From the last round trip of a dial on, in latencies: TCP's own, and that of the handshake. */
const DIAL_ARRIVES_AFTER = 3;
/** A host that is up and where nobody listens says so at once. */
const REFUSAL_AFTER = 2;
/** Whoever was dialled by an id that nobody ever had. */
const UNKNOWN_MS = 100;
/** A link that a view does not need stays so long for what else may use it. */
const LINGER_MS = 1_000;
/** A crash is known at the other ends of the links within. */
const RESET_MS = 1_000;
/** So often a node compares its views with the directory. */
const SWEEP_MS = 5_000;

interface Named {
  readonly id: NodeId;
  readonly boot: Boot;
}

interface Cores {
  readonly view: HyParView;
  readonly tree: Plumtree<Broadcast>;
}

class Timer implements Due {
  isPending = true;

  constructor(
    readonly timers: Timers,
    readonly name: string,
  ) {}

  happen(): void {
    if (this.isPending) this.timers.fire(this);
  }
}

/** The timers of one core. */
class Timers {
  readonly #pending = new Map<string, Timer>();

  constructor(
    readonly world: OverlayWorld,
    readonly onFired: (timer: string) => void,
  ) {}

  set(name: string, delayMs: number): void {
    this.cancel(name);
    const timer = new Timer(this, name);
    this.#pending.set(name, timer);
    this.world.after(delayMs, timer);
  }

  cancel(name: string): void {
    const timer = this.#pending.get(name);
    if (timer === undefined) return;
    timer.isPending = false;
    this.#pending.delete(name);
  }

  fire(timer: Timer): void {
    this.#pending.delete(timer.name);
    this.onFired(timer.name);
  }

  clear(): void {
    for (const timer of this.#pending.values()) timer.isPending = false;
    this.#pending.clear();
  }
}

export class OverlayNode {
  readonly id: NodeId;
  readonly startedAtMs: number;
  isUp = true;
  /** What is dead holds no memory: churn makes as many dead as there are living. */
  #cores: Cores | undefined;
  readonly #world: OverlayWorld;
  readonly #random: Random;
  readonly #links = new Map<NodeId, LinkEnd>();
  readonly #dialled = new Set<NodeId>();
  readonly #viewTimers: Timers;
  readonly #treeTimers: Timers;

  constructor(
    readonly index: number,
    { id, boot }: Named,
    world: OverlayWorld,
    random: Random,
  ) {
    this.id = id;
    this.#world = world;
    this.#random = random.fork("world");
    this.startedAtMs = world.now;
    const { view, tree } = world.settings;
    const viewCore = new HyParView({
      self: id,
      random: random.fork("view"),
      candidates: (count) => world.directory.pick(count, this.#random, id),
      roundTripMs: (peer) => this.#roundTripMs(peer),
      ...view,
    });
    const treeCore = new Plumtree<Broadcast>({
      self: { id, boot },
      random: random.fork("tree"),
      sizeOf: ({ bytes }) => bytes.length,
      ...tree,
    });
    this.#cores = { view: viewCore, tree: treeCore };
    this.#viewTimers = new Timers(world, (timer) => this.#tellView({ type: "timer", timer }));
    this.#treeTimers = new Timers(world, (timer) => this.#tellTree({ type: "timer", timer }));
  }

  /** Of a node that is up. */
  get view(): HyParView {
    return this.#living.view;
  }

  get #living(): Cores {
    if (this.#cores === undefined) throw new Error(`Node ${this.index} is dead`);
    return this.#cores;
  }

  get linkCount(): number {
    return this.#links.size;
  }

  join(contacts: readonly NodeId[]): void {
    this.#tellTree({ type: "start" });
    this.#tellView({ type: "start" });
    this.#tellView({ type: "join", contacts });
    this.#sweep(SWEEP_MS * this.#random.next());
  }

  broadcast(payload: Broadcast): void {
    this.#tellTree({ type: "broadcast", payload });
  }

  /** Without a word: the other ends of its links are reset. */
  crash(): void {
    this.isUp = false;
    this.#cores = undefined;
    this.#viewTimers.clear();
    this.#treeTimers.clear();
    for (const end of this.#links.values()) {
      end.isUp = false;
      end.isOver = true;
      const { other } = end;
      if (other.isOver) continue;
      this.#world.after(
        Math.max(end.latencyMs, RESET_MS * this.#random.next()),
        new LinkLoss(other),
      );
    }
    this.#links.clear();
  }

  viewHears(from: NodeId, message: HyParViewMessage): void {
    this.#tellView({ type: "message", from, message });
  }

  treeHears(from: NodeId, message: TreeMessage): void {
    if ("payload" in message) message.payload.payloadMessages += 1;
    this.#tellTree({ type: "message", from, message });
  }

  /** A dial has come to its end here. */
  answers(dialler: OverlayNode, latencyMs: number): void {
    if (!dialler.isUp || !dialler.#dialled.has(this.id)) return;
    if (!this.isUp) return dialler.dialFails(this.id);
    // Both dialled: the first one counts, and its other end is up or about to be.
    if (this.#links.has(dialler.id)) return dialler.isAnswered(this.id);
    const near = LinkEnd.pair(dialler, this, latencyMs);
    dialler.#links.set(this.id, near);
    this.#links.set(dialler.id, near.other);
    this.#world.after(latencyMs, new LinkAnswer(near));
    this.comesUp(near.other);
  }

  isAnswered(peer: NodeId): void {
    this.#dialled.delete(peer);
  }

  comesUp(end: LinkEnd): void {
    if (end.isOver || !this.isUp) return;
    end.isUp = true;
    this.#dialled.delete(end.peer);
    this.#tellView({ type: "link-up", id: end.peer });
  }

  /** The link is over at this end. */
  loses(end: LinkEnd): void {
    if (end.isOver || !this.isUp) return;
    const wasUp = end.isUp;
    end.isUp = false;
    end.isOver = true;
    this.#links.delete(end.peer);
    if (wasUp) this.#tellView({ type: "link-down", id: end.peer });
    else this.dialFails(end.peer);
  }

  hangsUp(end: LinkEnd): void {
    if (end.isOver) return;
    this.#world.after(end.latencyMs, new LinkLoss(end.other));
    this.loses(end);
  }

  dialFails(peer: NodeId): void {
    if (!this.isUp || !this.#dialled.delete(peer)) return;
    this.#tellView({ type: "dial-failed", id: peer });
  }

  #tellView(input: HyParViewInput): void {
    for (const effect of this.#living.view.handle(input, this.#world.now)) this.#runView(effect);
  }

  #tellTree(input: PlumtreeInput<Broadcast>): void {
    for (const effect of this.#living.tree.handle(input, this.#world.now)) this.#runTree(effect);
  }

  #runView(effect: HyParViewEffect): void {
    switch (effect.type) {
      case "send": {
        const end = this.#endTo(effect.to);
        if (end === undefined)
          return this.#world.finds(this, `sent to ${effect.to} without a link`);
        end.isReleased = false;
        this.#world.meter.view(effect.message);
        this.#world.after(end.latencyMs, new ViewDelivery(end.other, effect.message));
        return;
      }
      case "connect":
        return this.#dial(effect.to);
      case "release":
        return this.#release(effect.to);
      case "neighbor-up":
      case "neighbor-down":
        return this.#tellTree({ type: effect.type, id: effect.id });
      case "set-timer":
        return this.#viewTimers.set(effect.timer, effect.delayMs);
      case "cancel-timer":
        return this.#viewTimers.cancel(effect.timer);
      case "count":
        return this.#world.meter.mark(`view ${effect.counter}`);
      default:
        effect satisfies never;
    }
  }

  #runTree(effect: PlumtreeEffect<Broadcast>): void {
    switch (effect.type) {
      case "send": {
        const end = this.#endTo(effect.to);
        if (end === undefined) return this.#world.meter.mark("tree without a link");
        this.#world.meter.tree(effect.message);
        this.#world.after(end.latencyMs, new TreeDelivery(end.other, effect.message));
        return;
      }
      case "deliver":
        return this.#deliver(effect.payload, effect.hop);
      case "set-timer":
        return this.#treeTimers.set(effect.timer, effect.delayMs);
      case "cancel-timer":
        return this.#treeTimers.cancel(effect.timer);
      case "count":
        return this.#world.meter.mark(`tree ${effect.counter}`, effect.amount);
      default:
        effect satisfies never;
    }
  }

  #roundTripMs(peer: NodeId): number | undefined {
    const end = this.#links.get(peer);
    return end && 2 * end.latencyMs;
  }

  /** This end of the link, if it was told to the view. */
  #endTo(peer: NodeId): LinkEnd | undefined {
    const end = this.#links.get(peer);
    return end?.isUp === true ? end : undefined;
  }

  #deliver(broadcast: Broadcast, hop: number): void {
    const wrong = broadcast.deliveredAt(this.index, hop, this.#world.now);
    if (wrong !== undefined)
      this.#world.finds(this, `a broadcast of ${broadcast.origin}: ${wrong}`);
  }

  #dial(peer: NodeId): void {
    if (peer === this.id) return this.#world.finds(this, "dialled itself");
    const end = this.#links.get(peer);
    if (end !== undefined) end.isReleased = false;
    if (end !== undefined || this.#dialled.has(peer)) return;
    this.#dialled.add(peer);
    const answerer = this.#world.nodeOf(peer);
    if (answerer === undefined) {
      return this.#world.after(UNKNOWN_MS, new DialFailure(this, peer));
    }
    const latencyMs = this.#world.latencyMs(this.index, answerer.index);
    if (answerer.isUp) {
      const dial = new DialArrival(this, answerer, latencyMs);
      return this.#world.after(latencyMs * DIAL_ARRIVES_AFTER, dial);
    }
    this.#world.after(latencyMs * REFUSAL_AFTER, new DialFailure(this, peer));
  }

  /** Links that nobody needs end: at once when both views said so, else when this one does not use it again. */
  #release(peer: NodeId): void {
    this.#dialled.delete(peer);
    const end = this.#links.get(peer);
    if (end === undefined || end.isReleased) return;
    end.isReleased = true;
    this.#world.after(end.other.isReleased ? 0 : LINGER_MS, new ReleaseCheck(end));
  }

  /** The directory's news, which the product's shell brings at once, a little later. */
  #sweep(delayMs: number): void {
    this.#world.after(delayMs, {
      happen: () => {
        if (!this.isUp) return;
        for (const id of [...this.view.active, ...this.view.passive]) {
          // Once told, the view knows it no more, and learns it from nobody.
          if (this.#world.directory.isDead(id)) this.#tellView({ type: "gone", id });
        }
        this.#sweep(SWEEP_MS);
      },
    });
  }
}
