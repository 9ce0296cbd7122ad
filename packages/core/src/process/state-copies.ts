/**
 * StateCopies: the state of a process by itself, as another process could take it over.
 *
 * Copied through the codec, because what leaves a process must share no object with it, and because only
 * what the codec takes arrives elsewhere: a state with a socket in it is refused here, with its path,
 * not on the other node.
 *
 * Invariant: looking at a state changes nothing of the process, asleep or not.
 */
import { coreErrors } from "../errors/errors.js";
import type { Codec } from "../ports/codec.js";
import type { ProcessSnapshot } from "./kernel-port.js";
import type { LocalProcess } from "./local-process.js";

export class StateCopies {
  readonly #codec: Codec;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** @throws {ERR_NOT_ENCODABLE} the state is not plain data */
  snapshotOf(process: LocalProcess): ProcessSnapshot {
    const bytes = process.asleep ?? this.#encode(process);
    return { state: this.#codec.decode(bytes), version: process.definition.version };
  }

  /** @throws {ERR_NOT_ENCODABLE} the state is not plain data */
  check(process: LocalProcess): void {
    this.#encode(process);
  }

  /**
   * Puts the state away as bytes of its own memory: the codec's may be a part of a larger piece.
   * @throws {ERR_NOT_ENCODABLE}
   */
  putAway(process: LocalProcess): void {
    process.asleep = Uint8Array.from(this.#encode(process));
    process.state = undefined;
  }

  /** Gets the state back; nothing for a process that is awake. */
  wake(process: LocalProcess): void {
    if (process.asleep === undefined) return;
    process.state = this.#codec.decode(process.asleep);
    process.asleep = undefined;
  }

  #encode(process: LocalProcess): Uint8Array {
    try {
      return this.#codec.encode(process.state);
    } catch (error) {
      if (!coreErrors.ERR_NOT_ENCODABLE.is(error)) throw error;
      const { path, found } = error.details;
      throw coreErrors.ERR_NOT_ENCODABLE(
        `The state of ${process.title} is not plain data: ${path} is ${found}. ` +
          "Keep such things outside the state, or make them anew from it",
        { path, found },
        error,
      );
    }
  }
}
