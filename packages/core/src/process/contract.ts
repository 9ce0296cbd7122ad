/**
 * The contract of a process: what its callers on other nodes rely on, as one short text.
 *
 * Nodes that know two definitions of one name must agree on how it is called, or a call meant for
 * one is run by the other. Two nodes compare these texts instead of the code, which may well differ
 * between two versions that are deployed one after the other.
 *
 * Invariant: it says nothing of the order in which handlers were written, nor of their code.
 */
import { createHash } from "node:crypto";
import type { ProcessDefinition } from "./definition.js";

/** 72 bits: no two of 10,000 definitions are the same by chance. */
const LETTERS = 12;

/**
 * A short text over name, version and handlers: the same on two nodes exactly where callers of one may
 * call the other.
 *
 * @example
 * ```ts
 * import { contractOf, defineProcess } from "@foundation/core"
 *
 * const ping = defineProcess({ name: "docs.ping", init: () => ({}), call: { ping: () => "pong" } })
 * console.log(contractOf(ping).length) // 12
 * ```
 */
export function contractOf(definition: ProcessDefinition): string {
  const contract = [
    definition.name,
    definition.version,
    Object.keys(definition.call).sort(),
    Object.keys(definition.cast).sort(),
  ];
  const hash = createHash("sha256").update(JSON.stringify(contract));
  return hash.digest("base64url").slice(0, LETTERS);
}
