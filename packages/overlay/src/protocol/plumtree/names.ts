/**
 * Names on the wire: a NodeId and a Boot as 28 bytes, and back as texts.
 *
 * A node hears from the same sources again and again. `NameCache` gives the same two texts for the
 * same bytes, so that a message costs a comparison instead of two new strings, and the maps they are
 * looked up in find them by identity.
 */
import type { Boot, NodeId } from "@foundation/core";

/** Sixteen of a NodeId, twelve of a Boot. */
export const NAME_BYTES = 28;
const ID_BYTES = 16;

/** One start of one node. */
export interface Name {
  readonly origin: NodeId;
  readonly boot: Boot;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** Reads 28 bytes at `at`; they must be there. */
export function readName(bytes: Uint8Array, at: number): Name {
  const origin = textOf(bytes, at, at + ID_BYTES) as NodeId;
  const boot = textOf(bytes, at + ID_BYTES, at + NAME_BYTES) as Boot;
  return { origin, boot };
}

/** Writes 28 bytes at `at`. */
export function writeName(target: Uint8Array, at: number, origin: NodeId, boot: Boot): void {
  writeHex(target, at, origin, ID_BYTES);
  writeHex(target, at + ID_BYTES, boot, NAME_BYTES - ID_BYTES);
}

/** Texts of names read lately, one for each slot: a newer name takes the slot of an older one. */
export class NameCache {
  readonly #slots: ({ readonly bytes: Uint8Array; readonly name: Name } | undefined)[];

  /** @param slots a power of two; as many names are remembered at most */
  constructor(slots = 256) {
    this.#slots = new Array<undefined>(slots).fill(undefined);
  }

  read(bytes: Uint8Array, at: number): Name {
    // Both parts end in random bytes, so the low bits of their ends spread well.
    const id = ((bytes[at + 14] as number) << 8) | (bytes[at + 15] as number);
    const slot = (id ^ (bytes[at + NAME_BYTES - 1] as number)) & (this.#slots.length - 1);
    const known = this.#slots[slot];
    if (known !== undefined && isSame(known.bytes, bytes, at)) return known.name;
    const name = readName(bytes, at);
    this.#slots[slot] = { bytes: bytes.slice(at, at + NAME_BYTES), name };
    return name;
  }
}

function isSame(name: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < NAME_BYTES; i += 1) if (name[i] !== bytes[at + i]) return false;
  return true;
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at += 1) text += HEX[bytes[at] as number] as string;
  return text;
}

function writeHex(target: Uint8Array, at: number, text: string, count: number): void {
  for (let i = 0; i < count; i += 1) {
    const high = digitOf(text.charCodeAt(2 * i));
    target[at + i] = (high << 4) | digitOf(text.charCodeAt(2 * i + 1));
  }
}

/** The value of a lower-case hexadecimal digit. */
function digitOf(code: number): number {
  return code < 0x60 ? code - 0x30 : code - 0x57;
}
