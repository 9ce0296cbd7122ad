/**
 * NodeKey on Ed25519 (RFC 8032): which node of the cluster this is, kept beside its identity.
 *
 * The private half is made of 32 secret bytes of the runtime's randomness, so that a simulated node's is reproducible.
 * Ed25519 signs without randomness of its own: a bad source at the time of signing cannot give the key away.
 *
 * As with the identity, a damaged file is refused and never replaced: other nodes know this one by its key, and would
 * take a new one for an impostor.
 *
 * Invariant: the secret bytes are in the file and nowhere else: no message, inspection or serialised form holds them.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { inspect } from "node:util";
import type { NodeKey } from "../ports/authentication.js";
import type { Random } from "../ports/random.js";
import type { Runtime } from "../ports/runtime.js";
import { storageFailure } from "./storage-name.js";
import { fieldsOf } from "./stored-fields.js";

/** Where the key is kept. */
export const NODE_KEY_FILE = "node/key";

const VERSION = 1;
const SEED_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** What stands before the 32 bytes in DER: PKCS #8 and SubjectPublicKeyInfo of Ed25519 (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/**
 * The key of this node: from `runtime.storage`, made and kept there at the first start; without storage a new one.
 *
 * @throws {ERR_STORAGE} when the file cannot be read or written, or is damaged.
 */
export async function loadNodeKey(runtime: Pick<Runtime, "random" | "storage">): Promise<NodeKey> {
  const { random, storage } = runtime;
  if (storage === undefined) return createNodeKey(random);
  const kept = await storage.read(NODE_KEY_FILE);
  if (kept !== undefined) return new Ed25519Key(seedOf(kept));
  const seed = random.secret(SEED_BYTES);
  await storage.replace(NODE_KEY_FILE, fileOf(seed));
  return new Ed25519Key(seed);
}

/** A new key that is kept nowhere. */
export function createNodeKey(random: Pick<Random, "secret">): NodeKey {
  return new Ed25519Key(random.secret(SEED_BYTES));
}

/** True when the owner of the key signed exactly these bytes. Never throws, whatever the bytes. */
export function verifyNodeSignature(
  publicKey: Uint8Array,
  transcript: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== SEED_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  try {
    const key = Buffer.concat([PUBLIC_PREFIX, publicKey]);
    const publicHalf = createPublicKey({ key, format: "der", type: "spki" });
    return verify(null, transcript, publicHalf, signature);
  } catch {
    return false;
  }
}

class Ed25519Key implements NodeKey {
  readonly publicKey: Uint8Array;
  readonly #privateHalf: KeyObject;

  constructor(seed: Uint8Array) {
    const key = Buffer.concat([PRIVATE_PREFIX, seed]);
    this.#privateHalf = createPrivateKey({ key, format: "der", type: "pkcs8" });
    const spki = createPublicKey(this.#privateHalf).export({ format: "der", type: "spki" });
    this.publicKey = Uint8Array.from(spki.subarray(PUBLIC_PREFIX.length));
  }

  sign(transcript: Uint8Array): Uint8Array {
    return Uint8Array.from(sign(null, transcript, this.#privateHalf));
  }

  toString(): string {
    return `[node key ${Buffer.from(this.publicKey).toString("hex").slice(0, 16)}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

function fileOf(seed: Uint8Array): Uint8Array {
  const text = Buffer.from(seed).toString("hex");
  const fields = { version: VERSION, seed: text, sum: sumOf(text) };
  return new TextEncoder().encode(JSON.stringify(fields));
}

function seedOf(bytes: Uint8Array): Uint8Array {
  const { version, seed, sum } = fieldsOf(bytes);
  const isWhole = version === VERSION && typeof seed === "string" && /^[0-9a-f]{64}$/.test(seed);
  if (isWhole && sum === sumOf(seed)) return Buffer.from(seed, "hex");
  const isOther = Number.isSafeInteger(version) && version !== VERSION;
  const reason = isOther
    ? `its format is version ${version as number}, and this release reads version ${VERSION}: start the release that ` +
      "wrote it; or, if it is damaged, restore it, or remove the data directory to start as a new node"
    : "it is damaged; restore it, or remove the data directory to start as a new node: with a new key alone the other " +
      "nodes would take this one for an impostor";
  throw storageFailure(NODE_KEY_FILE, "read", reason);
}

/** Tells damage, one bit of it too. */
function sumOf(seed: string): string {
  return createHash("sha256").update(`${VERSION}/${seed}`).digest("hex").slice(0, 16);
}
