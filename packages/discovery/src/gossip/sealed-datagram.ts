/**
 * Sealed datagrams: what goes over the network, readable and makeable only with the cluster's secret.
 *
 *     "FG" | version 1 | 0 | key name, 4 bytes | session, 12 | counter, 8 | AES-256-GCM(message) | tag, 16
 *
 * The key of a cluster is HKDF-SHA256 (RFC 5869) of the secret with the cluster's name as salt; that of a session is
 * derived from it with the session's random name. So a counter can be the nonce and never repeats under one key,
 * however many nodes share the secret and however long they run (96 random bits would reach GCM's limit of 2^32 messages
 * under one key with a few hundred nodes in a year). The head is authenticated with the message.
 *
 * The name of the key tells "another secret" from "damaged". Like any proof it lets a guessable secret be guessed:
 * secrets are random, see docs/guides/security.md.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { assert } from "../protocol/assert.js";
import type { Session } from "../protocol/gossip/gossip-message.js";
import { gossipLimits } from "../protocol/gossip/limits.js";

const MAGIC = Buffer.from([0x46, 0x47, 1, 0]);
const NAME_BYTES = 4;
const SESSION_BYTES = 12;
const COUNTER_BYTES = 8;
const TAG_BYTES = 16;
const SESSION_AT = MAGIC.length + NAME_BYTES;
const COUNTER_AT = SESSION_AT + SESSION_BYTES;
const HEAD_BYTES = COUNTER_AT + COUNTER_BYTES;
const CIPHER = "aes-256-gcm";

/** Session keys that are kept; deriving one again takes some microseconds. */
const SESSION_KEYS_MAX = 4_096;

/** What came of opening a datagram. */
export type Opened =
  | {
      readonly type: "message";
      readonly session: Session;
      readonly counter: number;
      readonly text: string;
    }
  /** This node's own, come back. */
  | { readonly type: "own" }
  /** Not of this format: another program's, or of a later version. */
  | { readonly type: "foreign" }
  /** Sealed with a secret, or for a cluster, that this node does not have. */
  | { readonly type: "stranger" }
  /** It names our key and does not fit it: damaged, or forged. */
  | { readonly type: "damaged" };

interface ClusterKey {
  readonly name: Buffer;
  readonly bytes: Buffer;
  readonly sessions: Map<Session, Buffer>;
}

/** Seals with the first secret and opens with all; a changed list acts on the next datagram. */
export class DatagramSeal {
  readonly session: Session;
  readonly #sessionBytes: Buffer;
  readonly #secrets: () => readonly string[];
  readonly #cluster: string;
  #derivedFrom: readonly string[] = [];
  #keys: readonly ClusterKey[] = [];
  #counter = 0;

  /** @param sessionBytes 12 random bytes, new for each start */
  constructor(cluster: string, secrets: () => readonly string[], sessionBytes: Uint8Array) {
    assert(sessionBytes.length === SESSION_BYTES, "a session's name has 12 bytes");
    this.#sessionBytes = Buffer.from(sessionBytes);
    this.session = this.#sessionBytes.toString("hex");
    this.#cluster = cluster;
    this.#secrets = secrets;
  }

  /** False while there is no secret: then nothing is said and nothing understood. */
  get canSeal(): boolean {
    return this.#current().length > 0;
  }

  /** The datagram of a message; undefined without a secret. */
  seal(text: string): Buffer | undefined {
    const [key] = this.#current();
    if (key === undefined) return undefined;
    this.#counter += 1;
    const counter = Buffer.alloc(COUNTER_BYTES);
    counter.writeBigUInt64BE(BigInt(this.#counter));
    const head = Buffer.concat([MAGIC, key.name, this.#sessionBytes, counter]);
    const cipher = createCipheriv(CIPHER, sessionKey(key, this.session), nonceOf(counter), {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(head);
    const sealed = [head, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
    const datagram = Buffer.concat(sealed);
    assert(datagram.length <= gossipLimits.datagramBytesMax, "a datagram is never split");
    return datagram;
  }

  /** Opens what came. Never throws, whatever the bytes are. */
  open(datagram: Uint8Array): Opened {
    const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    const isOurs = bytes.length >= HEAD_BYTES + TAG_BYTES && bytes.subarray(0, 4).equals(MAGIC);
    if (!isOurs || bytes.length > gossipLimits.datagramBytesMax) return { type: "foreign" };
    const session = bytes.subarray(SESSION_AT, COUNTER_AT).toString("hex");
    if (session === this.session) return { type: "own" };
    const name = bytes.subarray(MAGIC.length, SESSION_AT);
    const key = this.#current().find((each) => each.name.equals(name));
    if (key === undefined) return { type: "stranger" };
    const counter = bytes.readBigUInt64BE(COUNTER_AT);
    if (counter > BigInt(Number.MAX_SAFE_INTEGER)) return { type: "damaged" };
    const text = opened(bytes, sessionKey(key, session));
    if (text === undefined) {
      // Whoever cannot seal must not fill the table with sessions.
      key.sessions.delete(session);
      return { type: "damaged" };
    }
    return { type: "message", session, counter: Number(counter), text };
  }

  #current(): readonly ClusterKey[] {
    const secrets = this.#secrets();
    const isSame =
      secrets.length === this.#derivedFrom.length &&
      secrets.every((each, i) => each === this.#derivedFrom[i]);
    if (!isSame) {
      this.#derivedFrom = [...secrets];
      this.#keys = secrets.map((each) => clusterKey(each, this.#cluster));
    }
    return this.#keys;
  }
}

function clusterKey(secret: string, cluster: string): ClusterKey {
  const derive = (info: string, bytes: number) =>
    Buffer.from(hkdfSync("sha256", secret, cluster, info, bytes));
  return {
    name: derive("foundation gossip key name v1", NAME_BYTES),
    bytes: derive("foundation gossip v1", 32),
    sessions: new Map(),
  };
}

function sessionKey({ bytes, sessions }: ClusterKey, session: Session): Buffer {
  const known = sessions.get(session);
  if (known !== undefined) return known;
  const [oldest] = sessions.keys();
  if (sessions.size >= SESSION_KEYS_MAX && oldest !== undefined) sessions.delete(oldest);
  const salt = Buffer.from(session, "hex");
  const key = Buffer.from(hkdfSync("sha256", bytes, salt, "foundation gossip session v1", 32));
  sessions.set(session, key);
  return key;
}

function opened(bytes: Buffer, key: Buffer): string | undefined {
  const counter = bytes.subarray(COUNTER_AT, HEAD_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonceOf(counter), { authTagLength: TAG_BYTES });
  decipher.setAAD(bytes.subarray(0, HEAD_BYTES));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  try {
    const start = decipher.update(bytes.subarray(HEAD_BYTES, bytes.length - TAG_BYTES));
    return Buffer.concat([start, decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

function nonceOf(counter: Uint8Array): Buffer {
  return Buffer.concat([Buffer.alloc(4), counter]);
}
