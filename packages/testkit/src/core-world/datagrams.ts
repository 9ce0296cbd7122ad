/**
 * Datagrams: each message for itself. It may be lost, come twice, or overtake an earlier one; `ordered` ones keep their
 * order between two nodes and may still be lost. What is sent into a cut, or arrives in one, is gone.
 */
import type { CoreNetwork, Due, Receiver } from "./core-parts.js";
import type { EventQueue } from "./event-queue.js";
import { pairOf, type Wires } from "./wires.js";

/** What a network of either kind needs of its world. */
export interface NetworkParts<Message> {
  readonly wires: Wires;
  readonly queue: EventQueue<Due>;
  readonly now: () => number;
  receiver(node: number): Receiver<Message> | undefined;
  /** The host of the node has power. */
  isHostOn(node: number): boolean;
  /** A message is handed over: it counts, and goes into the hash of the trace. */
  delivered(to: number, from: number, message: Message): void;
}

class Datagram<Message> implements Due {
  constructor(
    readonly network: Datagrams<Message>,
    readonly from: number,
    readonly fromBoot: number,
    readonly to: number,
    readonly message: Message,
  ) {}

  happen(): void {
    this.network.arrive(this);
  }
}

export class Datagrams<Message> implements CoreNetwork<Message> {
  readonly #parts: NetworkParts<Message>;
  /** When the last one of a pair arrives; only kept where order is. */
  readonly #lastArrival: Map<number, number> | undefined;

  constructor(parts: NetworkParts<Message>, options: { readonly ordered: boolean }) {
    this.#parts = parts;
    this.#lastArrival = options.ordered ? new Map() : undefined;
  }

  send(from: number, to: number, message: Message): boolean {
    const { wires } = this.#parts;
    const { random } = wires;
    const { lossChance, repeatChance } = wires.conditions(from, to);
    if (wires.isCut(from, to)) return true;
    if (lossChance > 0 && random.next() < lossChance) return true;
    this.#post(from, to, message);
    if (repeatChance > 0 && random.next() < repeatChance) this.#post(from, to, message);
    return true;
  }

  /** There are no links to ask for. */
  dial(): void {}
  hangUp(): void {}
  reset(): void {}
  ended(): void {}
  healed(): void {}

  arrive({ from, fromBoot, to, message }: Datagram<Message>): void {
    const receiver = this.#parts.receiver(to);
    if (!receiver?.isRunning || this.#parts.wires.isCut(from, to)) return;
    this.#parts.delivered(to, from, message);
    receiver.take({ type: "message", from, fromBoot, message });
  }

  #post(from: number, to: number, message: Message): void {
    const { queue, wires } = this.#parts;
    let at = this.#parts.now() + (from === to ? 0 : wires.latencyMs(from, to));
    if (this.#lastArrival) {
      at = Math.max(at, this.#lastArrival.get(pairOf(from, to)) ?? 0);
      this.#lastArrival.set(pairOf(from, to), at);
    }
    const fromBoot = this.#parts.receiver(from)?.boot ?? 0;
    queue.add(at, new Datagram(this, from, fromBoot, to, message));
  }
}
