/**
 * Intake: what a user writes into a replicated store, checked and copied.
 *
 * A value is encoded once here and read back. So what cannot travel fails at the call that wrote
 * it, not at the end of the turn; its size is known; and a later change of the user's object
 * cannot make this replica differ from the others.
 */
import { coreErrors, createCodec, type Codec } from "@foundation/core";
import { crdtErrors } from "../errors.js";
import { utf8Size } from "../protocol/plain-size.js";

/** UTF-8 has no half of a surrogate pair: the other nodes would have another text. */
const HALF = /\p{Surrogate}/u;

export interface IntakeLimits {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
}

export class Intake {
  readonly #store: string;
  readonly #limits: IntakeLimits;
  readonly #codec: Codec = createCodec();

  constructor(store: string, limits: IntakeLimits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** @throws {ERR_INVALID_ARGUMENT} the key is no text, is empty, is too long or would be another on other nodes. */
  key(key: string): void {
    const { keyBytesMax } = this.#limits;
    const isText = typeof key === "string" && !HALF.test(key);
    if (isText && key !== "" && utf8Size(key) <= keyBytesMax) return;
    const expected = `a text of 1 to ${keyBytesMax} bytes, without halves of surrogate pairs`;
    const found = typeof key === "string" ? `${utf8Size(key)} bytes` : typeof key;
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `key in store "${this.#store}" must be ${expected}, found ${found}; use a shorter key`,
      { argument: "key", expected, found },
    );
  }

  /** A copy of the value. @throws {ERR_NOT_ENCODABLE} @throws {ERR_VALUE_TOO_LARGE} */
  value<V>(key: string, value: V): V {
    if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
    const bytes = this.#codec.encode(value);
    const limitBytes = this.#limits.valueBytesMax;
    if (bytes.length > limitBytes) {
      throw crdtErrors.ERR_VALUE_TOO_LARGE(
        `The value of "${key}" in store "${this.#store}" takes ${bytes.length} bytes, ` +
          `the limit is ${limitBytes}; keep it elsewhere and replicate a reference`,
        { store: this.#store, key, sizeBytes: bytes.length, limitBytes },
      );
    }
    return typeof value === "string" && !HALF.test(value)
      ? value
      : (this.#codec.decode(bytes) as V);
  }
}
