/**
 * TreeFailures: why trees ended that this node ran: who asks a moment later shall know.
 *
 * The record of a tree says only in words how it ended, and one that did not start leaves none; the error itself is here.
 *
 * Invariant: a tree that was started again since has no failure.
 * Limit: `treeFailuresMax`; the oldest goes.
 */
import type { FoundationError } from "@foundation/core";
import { isDropped, sameOwner, type ChildSpec } from "../../protocol/child-spec.js";
import type { SpecStore } from "../supervision/spec-store.js";

export class TreeFailures {
  readonly #specs: Pick<SpecStore, "get">;
  readonly #max: number;
  readonly #failures = new Map<
    string,
    { readonly of: ChildSpec; readonly error: FoundationError }
  >();

  constructor(specs: Pick<SpecStore, "get">, max: number) {
    this.#specs = specs;
    this.#max = max;
  }

  /** Why the tree of that name ended, unless it has been started again since. */
  of(name: string): FoundationError | undefined {
    const failure = this.#failures.get(name);
    const spec = this.#specs.get(name);
    if (failure === undefined || spec === undefined) return failure?.error;
    const { incarnation, generation } = failure.of;
    if (spec.incarnation !== incarnation) return undefined;
    const isItsEnd = isDropped(spec) && sameOwner(spec.owner, failure.of.owner);
    return isItsEnd || spec.generation === generation ? failure.error : undefined;
  }

  /** Keeps why a tree ended; the oldest goes where there are too many. */
  remember(spec: ChildSpec, error: FoundationError): void {
    this.#failures.set(spec.identity, { of: spec, error });
    const [oldest] = this.#failures.keys();
    if (oldest === undefined || this.#failures.size <= this.#max) return;
    this.#failures.delete(oldest);
  }

  /** It runs again. */
  forget(name: string): void {
    this.#failures.delete(name);
  }
}
