/** Ways in which a device, a copy or a hand damages one file of a log. */
import type { Random } from "@foundation/core/ports";

export type Files = ReadonlyMap<string, Uint8Array>;

/** What was done, for the message of a failing seed. */
export interface Damage {
  readonly files: Map<string, Uint8Array>;
  readonly what: string;
}

type Kind = (bytes: Uint8Array, random: Random) => Uint8Array | undefined;

const within = (random: Random, end: number) => Math.floor(random.next() * end);

const inPlace =
  (change: (bytes: Uint8Array, random: Random) => void): Kind =>
  (bytes, random) => {
    if (bytes.length === 0) return undefined;
    const copy = bytes.slice();
    change(copy, random);
    return copy;
  };

/** Each gives the damaged bytes, or undefined when the file is no more. */
const kinds: Readonly<Record<string, Kind>> = {
  "a bit flips": inPlace((bytes, random) => {
    const at = within(random, bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << within(random, 8));
  }),
  "a few bytes are others": inPlace((bytes, random) => {
    const at = within(random, bytes.length);
    for (let i = at; i < Math.min(bytes.length, at + 8); i++) bytes[i] = random.uint32();
  }),
  "a stretch is zeroes": inPlace((bytes, random) => {
    const at = within(random, bytes.length);
    bytes.fill(0, at, at + 1 + within(random, 200));
  }),
  "a stretch stands at another place too": inPlace((bytes, random) => {
    const from = within(random, bytes.length);
    bytes.copyWithin(within(random, bytes.length), from, from + 1 + within(random, 200));
  }),
  "the end is cut off": (bytes, random) => bytes.slice(0, within(random, bytes.length)),
  "the end is cut off by a few bytes": (bytes, random) =>
    bytes.slice(0, Math.max(0, bytes.length - 1 - within(random, 60))),
  "a stretch is left out": (bytes, random) => {
    const at = within(random, bytes.length);
    const after = bytes.subarray(at + 1 + within(random, 120));
    return new Uint8Array([...bytes.subarray(0, at), ...after]);
  },
  "bytes are put in between": (bytes, random) => {
    const at = within(random, bytes.length);
    const more = Array.from({ length: 1 + within(random, 60) }, () => within(random, 256));
    return new Uint8Array([...bytes.subarray(0, at), ...more, ...bytes.subarray(at)]);
  },
  "bytes are put behind the end": (bytes, random) => {
    const more = Array.from({ length: 1 + within(random, 60) }, () => within(random, 256));
    return new Uint8Array([...bytes, ...more]);
  },
  "the last bytes are there twice": (bytes, random) => {
    const from = within(random, bytes.length);
    return new Uint8Array([...bytes, ...bytes.subarray(from)]);
  },
  "the file is empty": () => new Uint8Array(0),
  "the file is gone": () => undefined,
};

/** Damages one of the files; `earlier` are the same files at an earlier time. */
export function damageOne(files: Files, earlier: Files, random: Random): Damage {
  const names = [...files.keys()].sort();
  const name = names[within(random, names.length)] as string;
  const bytes = files.get(name) as Uint8Array;
  const damaged = new Map(files);
  const put = (content: Uint8Array | undefined, what: string): Damage => {
    if (content) damaged.set(name, content);
    else damaged.delete(name);
    return { files: damaged, what: `${name}: ${what}` };
  };
  const chance = random.next();
  if (chance < 0.06) {
    const other = names[within(random, names.length)] as string;
    return put(files.get(other), `has the content of ${other}`);
  }
  if (chance < 0.12) return put(earlier.get(name), "is as it was earlier");
  const all = Object.entries(kinds);
  const [what, kind] = all[within(random, all.length)] as [string, Kind];
  return put(kind(bytes, random), what);
}
