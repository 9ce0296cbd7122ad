/**
 * Hashes for the trace of a core world: of a message, what stands on its surface: the fields' texts and numbers, and how
 * long its lists are. Hashing all of every message would cost more than handling it; two runs that differ deeper differ
 * soon in when and to whom they send.
 */
const { imul } = Math;

/** A hash of the surface of a message. */
export function hashOfMessage(message: unknown): number {
  if (typeof message !== "object" || message === null) return hashOfPlain(message, 1);
  if (Array.isArray(message)) return imul(message.length + 1, 0x85ebca6b);
  let hash = 0x811c9dc5;
  for (const key in message) hash = hashOfPlain((message as Record<string, unknown>)[key], hash);
  return hash;
}

export function hashOfText(text: string): number {
  return mixText(text, 0x811c9dc5);
}

function hashOfPlain(value: unknown, hash: number): number {
  switch (typeof value) {
    case "string":
      return mixText(value, hash);
    case "number":
      return imul(hash ^ (value | 0) ^ (Math.fround(value) * 1_024), 0x01000193);
    case "boolean":
      return imul(hash ^ (value ? 3 : 5), 0x01000193);
    case "object":
      if (Array.isArray(value)) return imul(hash ^ value.length, 0x85ebca6b);
      return imul(hash ^ 7, 0x01000193);
    default:
      return imul(hash ^ 11, 0x01000193);
  }
}

function mixText(text: string, start: number): number {
  let hash = start;
  for (let i = 0; i < text.length; i += 1) hash = imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
