/**
 * A record of a node's journal on its disk: its number, the number of the one before it (0: it begins the file), and a
 * hash by which a torn or damaged record is told from a whole one.
 */

const HASH_BASE = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

export function journalRecord(sequence: number, previous: number): Uint8Array {
  const body = `${sequence} ${previous}`;
  return new TextEncoder().encode(`${body} ${hashOf(body)}\n`);
}

/** The whole records from the beginning; the first that is not whole or not linked ends them. */
export function parseJournal(bytes: Uint8Array): {
  /** The number of the last one; 0 when there is none. */
  readonly last: number;
  readonly count: number;
  readonly sizeBytes: number;
} {
  let [last, count, sizeBytes] = [0, 0, 0];
  for (;;) {
    const end = bytes.indexOf(0x0a, sizeBytes);
    if (end < 0) break;
    const line = new TextDecoder("latin1").decode(bytes.subarray(sizeBytes, end));
    const [, body = "", sequence, previous, hash] = /^((\d+) (\d+)) ([0-9a-f]+)$/.exec(line) ?? [];
    if (hash === undefined || hash !== hashOf(body) || Number(previous) !== last) break;
    last = Number(sequence);
    count += 1;
    sizeBytes = end + 1;
  }
  return { last, count, sizeBytes };
}

function hashOf(text: string): string {
  let hash = HASH_BASE;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), HASH_PRIME);
  return (hash >>> 0).toString(16);
}
