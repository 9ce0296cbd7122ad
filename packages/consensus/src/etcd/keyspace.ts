/**
 * Keyspace: the engine's keys as etcd's, which are bytes below a namespace.
 *
 * So that an etcd can be shared: whatever the engine asks for begins with the namespace's bytes. The order of keys is
 * that of their UTF-8 bytes on both sides.
 */
import { coreErrors } from "@foundation/core";
import type { Change, KeyRange, KeyValue } from "../engine/engine.js";
import type { EtcdEvent, EtcdKeyValue } from "./messages.js";

export class Keyspace {
  readonly #prefix: Buffer;
  readonly #text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  /** @param namespace what every key begins with, as text; may be empty */
  constructor(namespace: string) {
    this.#prefix = Buffer.from(namespace, "utf8");
  }

  /** The bytes of a key. */
  keyOf(key: string): Uint8Array {
    if (this.#prefix.length === 0) return Buffer.from(key, "utf8");
    return Buffer.concat([this.#prefix, Buffer.from(key, "utf8")]);
  }

  /** The bounds as etcd wants them; undefined when nothing can be between them. */
  rangeOf({ key, end }: KeyRange): { key: Uint8Array; range_end?: Uint8Array } | undefined {
    const from = this.keyOf(key);
    if (end === undefined) return { key: from };
    const to = this.keyOf(end);
    if (Buffer.compare(from, to) >= 0) return undefined;
    // etcd takes an empty key for a missing one; nothing is before the one of a zero byte.
    return { key: from.length === 0 ? Buffer.of(0) : from, range_end: to };
  }

  pairOf(found: EtcdKeyValue): KeyValue {
    const { lease } = found;
    return {
      key: this.#textOf(found.key),
      // A copy: what was decoded is a view of everything that came with it.
      value: new Uint8Array(found.value),
      createRevision: Number(found.create_revision),
      modRevision: Number(found.mod_revision),
      version: Number(found.version),
      ...(lease === "0" ? {} : { lease }),
    };
  }

  changeOf({ type, kv, prev_kv }: EtcdEvent & { readonly kv: EtcdKeyValue }): Change {
    const previous = prev_kv === null ? {} : { previous: this.pairOf(prev_kv) };
    if (type === 0) return { type: "put", pair: this.pairOf(kv), ...previous };
    const [key, revision] = [this.#textOf(kv.key), Number(kv.mod_revision)];
    return { type: "delete", key, revision, ...previous };
  }

  #textOf(key: Uint8Array): string {
    try {
      return this.#text.decode(key.subarray(this.#prefix.length));
    } catch {
      const reason = `etcd holds a key that is not UTF-8: ${Buffer.from(key).toString("hex")}`;
      throw coreErrors.ERR_NOT_DECODABLE(
        `${reason}. Another program writes below "${this.#prefix.toString()}"; ` +
          "give the engine a namespace of its own",
        { reason },
      );
    }
  }
}
