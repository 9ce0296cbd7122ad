/**
 * Membership tags: what an announcement carries so that nodes of one cluster know each other and nobody else does.
 *
 * HMAC-SHA256, cut to 128 bits, of the instance's random label, under a key derived (HKDF, RFC 5869) from the secret with
 * the cluster's name as salt. So a tag fits one label only, two clusters on a network cannot be told apart by a reader,
 * and a node that starts again cannot be followed. It is a hint: whoever copies label and tag is dialled, and refused in
 * the handshake. Like any proof it lets a guessable secret be guessed: secrets are random.
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { SecretReader } from "../lan/secrets.js";

const TAG_BYTES = 16;
/** Verdicts that are kept: an announcement is looked at again with every packet. */
const VERDICTS_MAX = 4_096;

/** Makes and checks tags; a changed list of secrets acts at once. */
export class MembershipTags {
  readonly #cluster: string;
  readonly #secrets: SecretReader;
  readonly #verdicts = new Map<string, boolean>();
  #derivedFrom: readonly string[] = [];
  #keys: readonly Buffer[] = [];
  #own: { readonly label: string; readonly tag: string } | undefined;

  constructor(cluster: string, secrets: SecretReader) {
    this.#cluster = cluster;
    this.#secrets = secrets;
  }

  /** By the first secret; undefined without one. */
  tagOf(label: string): string | undefined {
    const [key] = this.#current();
    if (key === undefined) return undefined;
    if (this.#own?.label !== label) this.#own = { label, tag: sign(key, label).toString("hex") };
    return this.#own.tag;
  }

  /** True when one of the secrets made it. */
  isMember(label: string, tag: string): boolean {
    const keys = this.#current();
    const question = `${label.toLowerCase()} ${tag}`;
    const known = this.#verdicts.get(question);
    if (known !== undefined) return known;
    const given = Buffer.from(tag, "hex");
    const isRight =
      given.length === TAG_BYTES &&
      keys.map((key) => timingSafeEqual(sign(key, label), given)).includes(true);
    if (this.#verdicts.size >= VERDICTS_MAX) this.#verdicts.clear();
    this.#verdicts.set(question, isRight);
    return isRight;
  }

  #current(): readonly Buffer[] {
    const secrets = this.#secrets();
    const isSame =
      secrets.length === this.#derivedFrom.length &&
      secrets.every((each, i) => each === this.#derivedFrom[i]);
    if (!isSame) {
      this.#derivedFrom = [...secrets];
      this.#keys = secrets.map((each) =>
        Buffer.from(hkdfSync("sha256", each, this.#cluster, "foundation mdns v1", 32)),
      );
      this.#verdicts.clear();
      this.#own = undefined;
    }
    return this.#keys;
  }
}

function sign(key: Uint8Array, label: string): Buffer {
  return createHmac("sha256", key).update(label.toLowerCase()).digest().subarray(0, TAG_BYTES);
}
