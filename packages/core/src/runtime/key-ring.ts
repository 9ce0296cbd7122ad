/**
 * KeyRing: the secrets a node accepts, of which it proves the first, changed while it runs.
 *
 * A secret is exchanged without a stop in three rounds over all nodes: `add` the new one, `use` it, `remove` the old one.
 * Two nodes in rounds next to each other always have one in common. What is changed acts on the next handshake: links
 * that are up stay up, also those that were proved with a secret that is gone.
 *
 * Invariants: one to eight secrets, no two equal; `secrets` gives the same list until the ring changes, so that what was
 * derived from it can be kept; nothing of a secret is ever in a message or an inspection.
 */
import { inspect } from "node:util";
import { coreErrors } from "../errors/errors.js";
import { runtimeLimits } from "./limits.js";
import { isSecret, Secret } from "./secret.js";

const MARK = Symbol.for("foundation.key-ring");

/** The secrets of a cluster as one node knows them. */
export interface KeyRing {
  /** The one that is proved first. The list itself never changes; a changed ring gives another. */
  readonly secrets: readonly Secret[];
  /** Accepts one more, without proving it. Does nothing when the ring has it. @throws {ERR_INVALID_ARGUMENT} at the 9th. */
  add(secret: Secret | string): void;
  /** Proves this one from now on. @throws {ERR_INVALID_ARGUMENT} when it was not added. */
  use(secret: Secret | string): void;
  /**
   * Accepts it no more. Does nothing when the ring has it not.
   * @throws {ERR_INVALID_ARGUMENT} for the one that is proved: `use` another first.
   */
  remove(secret: Secret | string): void;
  /** Puts a whole list in the place of the ring's. @throws {ERR_INVALID_ARGUMENT} without any, or with more than 8. */
  replace(secrets: SecretList): void;
}

/** One secret or several, the one to prove first. */
export type SecretList = Secret | string | readonly (Secret | string)[];

/**
 * A ring of one to eight secrets.
 *
 * @throws {ERR_INVALID_ARGUMENT} without one, with an empty one, or with more than 8.
 *
 * @example
 * ```ts
 * import { createKeyRing } from "@foundation/core"
 *
 * const ring = createKeyRing("the old secret")
 * ring.add("the new secret") // on every node, before any
 * ring.use("the new secret") // on every node, before any
 * ring.remove("the old secret")
 * console.log(ring.secrets.length, `${ring}`) // 1 [key ring of 1]
 * ```
 */
export function createKeyRing(secrets: SecretList): KeyRing {
  return new SecretRing(secrets);
}

/** True for a ring of any copy of this package. */
export function isKeyRing(value: unknown): value is KeyRing {
  return typeof value === "object" && value !== null && MARK in value;
}

class SecretRing implements KeyRing {
  readonly [MARK] = true;
  #secrets: readonly Secret[];

  constructor(secrets: SecretList) {
    this.#secrets = listOf(secrets);
  }

  get secrets(): readonly Secret[] {
    return this.#secrets;
  }

  add(secret: Secret | string): void {
    const added = secretOf(secret);
    if (!this.#has(added)) this.#secrets = listOf([...this.#secrets, added]);
  }

  use(secret: Secret | string): void {
    const used = secretOf(secret);
    if (!this.#has(used)) {
      throw invalid("secret", "one that was added to the ring before", "another");
    }
    if (!isSame(this.#secrets[0], used)) this.#secrets = listOf([used, ...this.#without(used)]);
  }

  remove(secret: Secret | string): void {
    const removed = secretOf(secret);
    if (!this.#has(removed)) return;
    if (isSame(this.#secrets[0], removed)) {
      throw invalid(
        "secret",
        "another than the one this node proves: use another first",
        "that one",
      );
    }
    this.#secrets = listOf(this.#without(removed));
  }

  replace(secrets: SecretList): void {
    const next = listOf(secrets);
    const isOther = next.some((each, at) => !isSame(this.#secrets[at], each));
    if (isOther || next.length !== this.#secrets.length) this.#secrets = next;
  }

  toString(): string {
    return `[key ring of ${this.#secrets.length}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }

  #has(secret: Secret): boolean {
    return this.#secrets.some((each) => isSame(each, secret));
  }

  #without(secret: Secret): Secret[] {
    return this.#secrets.filter((each) => !isSame(each, secret));
  }
}

/** Checked, without repetitions, the first of equal ones kept. */
function listOf(source: SecretList): readonly Secret[] {
  const given = typeof source === "string" || isSecret(source) ? [source] : source;
  const secrets: Secret[] = [];
  for (const each of given.map(secretOf)) {
    if (!secrets.some((known) => isSame(known, each))) secrets.push(each);
  }
  const { secretsMax } = runtimeLimits;
  if (secrets.length === 0 || secrets.length > secretsMax) {
    throw invalid("secret", `one to ${secretsMax} secrets`, `${secrets.length} secrets`);
  }
  return Object.freeze(secrets);
}

function secretOf(secret: Secret | string): Secret {
  return isSecret(secret) ? secret : new Secret(secret);
}

/** Both are this node's own, so the time it takes tells nobody anything. */
function isSame(one: Secret | undefined, other: Secret): boolean {
  return one?.reveal() === other.reveal();
}

function invalid(argument: string, expected: string, found: string): Error {
  const message = `${argument} must be ${expected}, found ${found}`;
  return coreErrors.ERR_INVALID_ARGUMENT(message, { argument, expected, found });
}
