/**
 * Broadcast: one message for everybody, and what became of it: at whom, over how many links, how often too much.
 *
 * It is its own payload, so what a node delivers says by itself which broadcast it is. Each node may deliver it once,
 * and the broadcasts of one origin in the order they were sent: what breaks that is a finding.
 */

/** Bytes of a payload: a small event. */
const PAYLOAD_BYTES = 100;

export class Broadcast {
  /** What stands for it where messages are encoded. */
  readonly bytes = new Uint8Array(PAYLOAD_BYTES).fill(0x66);
  /** Messages that carried the payload to a node. */
  payloadMessages = 0;
  deliveries = 0;
  /** Links on the way to the node that was reached over the most. */
  lastHop = 0;
  /** From its sending until the last node delivered it. */
  lastMs = 0;
  /** The next one of the same origin. */
  next: Broadcast | undefined;
  /** By node: 1 when it delivered it. */
  readonly #isWith: Uint8Array;

  /** @param nodes how many are in the world, the dead among them; who comes later is not counted */
  constructor(
    readonly origin: number,
    readonly sentAtMs: number,
    nodes: number,
  ) {
    this.#isWith = new Uint8Array(nodes);
    this.#isWith[origin] = 1;
  }

  /** What is wrong with this delivery, if anything is. */
  deliveredAt(node: number, hop: number, nowMs: number): string | undefined {
    if (node === this.origin) return "its origin delivered it from somebody else";
    if (node >= this.#isWith.length) return undefined;
    if (this.isWith(node)) return "it was delivered twice";
    if (this.next?.isWith(node) === true)
      return "it was delivered after the next one of its origin";
    this.#isWith[node] = 1;
    this.deliveries += 1;
    this.lastHop = Math.max(this.lastHop, hop);
    this.lastMs = nowMs - this.sentAtMs;
    return undefined;
  }

  isWith(node: number): boolean {
    return this.#isWith[node] === 1;
  }

  /** Relative message redundancy: payloads that arrived for one that was needed, less that one. */
  get redundancy(): number {
    return this.deliveries === 0 ? 0 : this.payloadMessages / this.deliveries - 1;
  }
}

/** How many of those who should have it have it, over broadcasts; plain data. */
export interface Reached {
  readonly expected: number;
  readonly missed: number;
  /** 1: everybody. */
  readonly reliability: number;
}

export class Reach {
  #expected = 0;
  #missed = 0;

  add(broadcast: Broadcast, nodes: Iterable<number>): void {
    for (const node of nodes) {
      if (node === broadcast.origin) continue;
      this.#expected += 1;
      if (!broadcast.isWith(node)) this.#missed += 1;
    }
  }

  get reached(): Reached {
    const expected = this.#expected;
    const missed = this.#missed;
    return { expected, missed, reliability: expected === 0 ? 1 : 1 - missed / expected };
  }
}

/** Of all these broadcasts at all these nodes. */
export function reachOf(broadcasts: readonly Broadcast[], nodes: readonly number[]): Reached {
  const reach = new Reach();
  for (const broadcast of broadcasts) reach.add(broadcast, nodes);
  return reach.reached;
}
