/**
 * Successors: where the processes that were moved away from this node went.
 *
 * A process has another pid on its new node. Whoever still uses the old one is served by it for a while: calls
 * are forwarded and their replies tell the new place, monitors go on with the new pid.
 *
 * Limit: `successorsMax`; the oldest is forgotten first, and is then a process that ended.
 */
import type { Pid } from "@foundation/core";
import { parsePid } from "./foundation-errors.js";

/** Where a process went, and by which version of its spec. */
export interface Successor {
  readonly pid: Pid;
  readonly incarnation: number;
  readonly generation: number;
}

/** What a peer told as one, or undefined. */
export function parseSuccessor(value: unknown): Successor | undefined {
  const { pid, incarnation, generation } = (value ?? {}) as Partial<Successor>;
  const parsed = parsePid(pid);
  if (parsed === undefined || typeof incarnation !== "number" || typeof generation !== "number") {
    return undefined;
  }
  return { pid: parsed, incarnation, generation };
}

/** By serial number of this node's old pids. */
export class Successors {
  readonly #max: number;
  readonly #bySerial = new Map<number, Successor>();

  constructor(max: number) {
    this.#max = max;
  }

  get(serial: number): Successor | undefined {
    // Nothing has ever moved from most nodes, and this is asked for every reply.
    return this.#bySerial.size === 0 ? undefined : this.#bySerial.get(serial);
  }

  set(serial: number, successor: Successor): void {
    this.#bySerial.set(serial, successor);
    if (this.#bySerial.size <= this.#max) return;
    for (const oldest of this.#bySerial.keys()) {
      this.#bySerial.delete(oldest);
      break;
    }
  }
}
