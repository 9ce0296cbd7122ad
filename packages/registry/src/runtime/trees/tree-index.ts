/**
 * TreeIndex: which children name which supervisor, kept beside the specs so that nobody has to search them.
 */
import type { SpecStore } from "../supervision/spec-store.js";

/** Identities of children by the identity of their supervisor. */
export class TreeIndex {
  readonly #specs: SpecStore;
  readonly #children = new Map<string, Set<string>>();
  readonly #supervisors = new Map<string, string>();

  constructor(specs: SpecStore) {
    this.#specs = specs;
  }

  /** Reads a spec that changed; the supervisor of the child, also of one that has just been stopped. */
  note(identity: string): string | undefined {
    const before = this.#supervisors.get(identity);
    const supervisor = this.#specs.get(identity)?.rules?.tree?.supervisor;
    if (supervisor === before) return supervisor;
    if (before !== undefined) this.#remove(before, identity);
    if (supervisor === undefined) return before;
    this.#supervisors.set(identity, supervisor);
    const children = this.#children.get(supervisor);
    if (children === undefined) this.#children.set(supervisor, new Set([identity]));
    else children.add(identity);
    return supervisor;
  }

  /** The children of a supervisor. */
  of(supervisor: string): readonly string[] {
    const children = this.#children.get(supervisor);
    return children === undefined ? [] : [...children];
  }

  /** The supervisors that children name. */
  supervisors(): Iterable<string> {
    return this.#children.keys();
  }

  get isEmpty(): boolean {
    return this.#children.size === 0;
  }

  #remove(supervisor: string, identity: string): void {
    this.#supervisors.delete(identity);
    const children = this.#children.get(supervisor);
    children?.delete(identity);
    if (children?.size === 0) this.#children.delete(supervisor);
  }
}
