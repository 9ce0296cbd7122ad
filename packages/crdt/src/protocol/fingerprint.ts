/**
 * Fingerprints: 64-bit hashes of plain data, by which two replicas tell whether they agree.
 *
 * Two independent 32-bit hashes (FNV-1a with different bases, finished as MurmurHash3 does) make a
 * pair; a digest of many entries is the XOR of their pairs, so adding and removing an entry is the
 * same cheap step. They guard against chance, not against a member that lies.
 */

/** A 64-bit hash as two unsigned 32-bit numbers. */
export interface Fingerprint {
  readonly high: number;
  readonly low: number;
}

/** Looked up once: it runs twice for every character. */
const { imul } = Math;

export function fingerprint(text: string): Fingerprint {
  let high = 0x811c9dc5;
  let low = 0x050c5d1f;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    high = imul(high ^ code, 0x01000193);
    low = imul(low ^ ((code << 5) | (code >>> 11)), 0x01000193);
  }
  return { high: finish(high), low: finish(low ^ text.length) };
}

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The same text for equal plain data, whatever the order of an object's keys. */
export function canonicalText(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" && Object.is(value, -0)) return "-0";
  if (typeof value === "number" && !Number.isFinite(value)) return `#${value}`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (value instanceof Date) return `date(${value.getTime()})`;
  if (value instanceof Map) return `map${canonicalText([...value].map(canonicalText).sort())}`;
  if (value instanceof Set) return `set${canonicalText([...value].map(canonicalText).sort())}`;
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    // A Buffer becomes a Uint8Array on its way, so both have one name.
    const name = value instanceof Uint8Array ? "bytes" : value.constructor.name;
    return `${name}(${bytes.join(",")})`;
  }
  const fields = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${canonicalText(item)}`).join(",")}}`;
}
