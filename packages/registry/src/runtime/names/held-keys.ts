/**
 * HeldKeys: which keys of the store stand for which process of this node, so that they go when it ends.
 *
 * One monitor a process, however many names it has. Invariant: a process with keys is monitored, one without is not.
 */
import type { Pid } from "@foundation/core";
import type { Wiring } from "../wiring.js";

interface Held {
  readonly keys: Set<string>;
  readonly stop: () => void;
}

export class HeldKeys {
  readonly #wiring: Pick<Wiring, "kernel" | "self">;
  readonly #ended: (key: string, serial: number) => void;
  readonly #bySerial = new Map<number, Held>();

  /** `ended` is called with each key of a process that has ended. */
  constructor(
    wiring: Pick<Wiring, "kernel" | "self">,
    ended: (key: string, serial: number) => void,
  ) {
    this.#wiring = wiring;
    this.#ended = ended;
  }

  add(key: string, serial: number): void {
    const held = this.#bySerial.get(serial);
    if (held !== undefined) {
      held.keys.add(key);
      return;
    }
    const keys = new Set([key]);
    const pid: Pid = { ...this.#wiring.self, serial };
    const stop = this.#wiring.kernel.monitor(pid, () => {
      this.#bySerial.delete(serial);
      for (const each of keys) this.#ended(each, serial);
    });
    this.#bySerial.set(serial, { keys, stop });
  }

  remove(key: string, serial: number): void {
    const held = this.#bySerial.get(serial);
    if (held === undefined || !held.keys.delete(key) || held.keys.size > 0) return;
    held.stop();
    this.#bySerial.delete(serial);
  }

  /** Keys of a process. */
  of(serial: number): Iterable<string> {
    return this.#bySerial.get(serial)?.keys ?? [];
  }

  close(): void {
    for (const { stop } of this.#bySerial.values()) stop();
    this.#bySerial.clear();
  }
}
