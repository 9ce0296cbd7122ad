/** nodeRandom: Random by Node: V8's generator for choices, the operating system's for secrets. */
import { randomBytes } from "node:crypto";
import type { Random } from "../ports/random.js";

/** The randomness of this machine. Forks are the same source: it has no state to be kept apart. */
export function nodeRandom(): Random {
  return random;
}

const random: Random = {
  next: () => Math.random(),
  uint32: () => Math.floor(Math.random() * 4_294_967_296),
  fork: () => random,
  secret: (sizeBytes) => new Uint8Array(randomBytes(sizeBytes)),
};
