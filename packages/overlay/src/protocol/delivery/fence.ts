/**
 * Fence: a message that waits, at its receiver, until every lane has delivered what was sent before it.
 *
 * Why: with several lanes the order of two messages holds only when they share a lane. "This process
 * has ended" must not overtake the last thing it said on another lane. So the sender marks every
 * lane it has used with the fence's number, and the receiver lets the message through once the
 * number has come by all of them.
 *
 * Numbers go up for as long as a node runs and lanes keep their order, so a later number on a lane
 * stands for all earlier ones.
 *
 * Invariants: a held message leaves exactly once, by `passed`, when every
 * lane it names has passed its number; what is held is bounded, and a message above the bound is
 * not held at all. A mark that is lost with its connection is replaced by that of the next fence; the sender of
 * what must arrive asks for an answer and sends again, with a new number.
 */
import { FENCE } from "./limits.js";

export interface FenceLimits {
  readonly heldMax: number;
  readonly heldBytesMax: number;
}

interface Held<Item> {
  readonly number: number;
  /** One bit for each lane that has not passed yet. */
  lanes: number;
  readonly item: Item;
  readonly sizeBytes: number;
}

/** The receiver's side, for one start of a peer and one channel. */
export class FenceGate<Item> {
  readonly #limits: FenceLimits;
  /** The highest number that has come by each lane. */
  readonly #passed: number[] = [];
  #held: Held<Item>[] = [];
  #heldBytes = 0;

  constructor(limits: FenceLimits = FENCE) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#held.length;
  }

  get sizeBytes(): number {
    return this.#heldBytes;
  }

  /** Holds a message; false: it need not wait, or may not because too much waits already. */
  hold(number: number, lanes: number, item: Item, sizeBytes: number): boolean {
    let open = 0;
    for (let lane = 0; lane < 16; lane += 1) {
      if ((lanes & (1 << lane)) !== 0 && (this.#passed[lane] ?? 0) < number) open |= 1 << lane;
    }
    if (open === 0) return false;
    const { heldMax, heldBytesMax } = this.#limits;
    if (this.#held.length >= heldMax || this.#heldBytes + sizeBytes > heldBytesMax) return false;
    this.#held.push({ number, lanes: open, item, sizeBytes });
    this.#heldBytes += sizeBytes;
    return true;
  }

  /** A mark came by a lane; answers what need not wait any longer, in the order it was held. */
  passed(lane: number, number: number): Item[] {
    if ((this.#passed[lane] ?? 0) >= number) return [];
    this.#passed[lane] = number;
    const released: Item[] = [];
    this.#held = this.#held.filter((held) => {
      if (held.number <= number) held.lanes &= ~(1 << lane);
      if (held.lanes !== 0) return true;
      this.#heldBytes -= held.sizeBytes;
      released.push(held.item);
      return false;
    });
    return released;
  }
}

/** A set of lanes as the two bytes that travel. */
export function encodeLanes(lanes: number): Uint8Array {
  return new Uint8Array([lanes & 0xff, lanes >>> 8]);
}

/** The lanes a fence names; undefined when they are not well formed. */
export function parseLanes(payload: Uint8Array): number | undefined {
  if (payload.length !== 2) return undefined;
  return (payload[0] as number) | ((payload[1] as number) << 8);
}
