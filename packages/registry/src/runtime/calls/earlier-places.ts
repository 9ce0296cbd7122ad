/**
 * EarlierPlaces: where the processes that were moved to this node had been before, as pids, the last one first.
 *
 * An answer to a call that was sent to such a place comes by way of it, and may come later than what the process says from here.
 *
 * Limits: `earlierPlacesMax` of one process; `successorsMax` processes, of which the oldest is forgotten first: nobody sends
 * to its old places any more.
 */
import type { Pid } from "@foundation/core";
import { parsePid } from "./foundation-errors.js";

const NOWHERE: readonly Pid[] = [];

/** By serial number of this node's pids. */
export class EarlierPlaces {
  readonly #max: number;
  readonly #bySerial = new Map<number, readonly Pid[]>();

  constructor(max: number) {
    this.#max = max;
  }

  of(serial: number): readonly Pid[] {
    return this.#bySerial.get(serial) ?? NOWHERE;
  }

  set(serial: number, places: readonly Pid[]): void {
    this.#bySerial.set(serial, places);
    if (this.#bySerial.size <= this.#max) return;
    for (const oldest of this.#bySerial.keys()) {
      this.#bySerial.delete(oldest);
      break;
    }
  }
}

/** The places that a peer told; what cannot be read is left out. */
export function parsePlaces(value: unknown, max: number): readonly Pid[] {
  if (!Array.isArray(value)) return NOWHERE;
  return (value as readonly unknown[]).slice(0, max).flatMap((each) => parsePid(each) ?? []);
}
