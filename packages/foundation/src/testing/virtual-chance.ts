/** VirtualChance: Math.random and what `crypto` draws, by a node's chance, so that it follows from the seed. */
import type { Random, Runtime } from "@foundation/core";
import { standIn, type Any, type Holder } from "./stand-in.js";

type Told = (error: null, value: unknown) => void;

/** Each boot of a node has chance of its own, apart from what Foundation draws there. */
export function chanceOfNodes(): (node: Runtime) => Random {
  const chances = new WeakMap<Runtime, Random>();
  return (node) => {
    const chance = chances.get(node) ?? node.random.fork("globals");
    chances.set(node, chance);
    return chance;
  };
}

/** Stand-ins for what of `node:crypto` draws: at once, or with a callback. */
export function drawing(owner: Holder, chance: (node: Runtime) => Random): Holder {
  const real = (name: string) => owner[name] as Any;
  const fill = (node: Runtime, target: unknown, ...range: unknown[]): unknown => {
    const [from = 0, size] = range.filter((each) => typeof each === "number") as number[];
    return filled(target as ArrayBufferView | ArrayBuffer, chance(node), from, size);
  };
  return {
    randomUUID: standIn(real("randomUUID"), (node) => uuidOf(chance(node))),
    randomBytes: standIn(real("randomBytes"), (node, size, told) =>
      given(node, Buffer.from(chance(node).secret(Number(size))), told),
    ),
    randomFillSync: standIn(real("randomFillSync"), fill),
    randomFill: standIn(real("randomFill"), (node, target, ...rest) =>
      given(node, fill(node, target, ...rest), rest.at(-1)),
    ),
    randomInt: standIn(real("randomInt"), (node, ...args) => {
      const bounds = args.filter((each) => typeof each === "number");
      const [least, end] = bounds.length > 1 ? bounds : [0, ...bounds];
      const drawn = wholeBelow(chance(node), Number(end) - Number(least)) + Number(least);
      return given(node, drawn, args.at(-1));
    }),
  };
}

/** Of the global `crypto`, whose methods look at their `this`. */
export function webDrawing(owner: Holder, chance: (node: Runtime) => Random): Holder {
  const bound = (name: string) => (owner[name] as Any).bind(owner) as Any;
  return {
    randomUUID: standIn(bound("randomUUID"), (node) => uuidOf(chance(node))),
    getRandomValues: standIn(bound("getRandomValues"), (node, target) =>
      filled(target as ArrayBufferView, chance(node), 0, undefined),
    ),
  };
}

/** Version 4 (RFC 9562, section 5.4). */
function uuidOf(random: Random): string {
  const bytes = random.secret(16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The value, or nothing and later a call with it. */
function given({ clock }: Runtime, value: unknown, told: unknown): unknown {
  if (typeof told !== "function") return value;
  clock.setTimer(0, () => (told as Told)(null, value));
  return undefined;
}

/** Offset and size count elements of a typed array, as in Node. */
function filled<T extends ArrayBufferView | ArrayBuffer>(
  target: T,
  random: Random,
  from: number,
  size: number | undefined,
): T {
  const isView = ArrayBuffer.isView(target);
  const [buffer, offset] = isView ? [target.buffer, target.byteOffset] : [target, 0];
  const { BYTES_PER_ELEMENT: width = 1 } = target as { BYTES_PER_ELEMENT?: number };
  const sizeBytes = size === undefined ? target.byteLength - from * width : size * width;
  new Uint8Array(buffer, offset + from * width, sizeBytes).set(random.secret(sizeBytes));
  return target;
}

function wholeBelow(random: Random, range: number): number {
  if (!(range > 0)) throw new RangeError(`randomInt: max must be greater than min, by ${range}`);
  return Math.floor(random.next() * range);
}
