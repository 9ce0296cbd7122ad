/**
 * DefinitionBoard: which node defines which processes.
 *
 * Each node writes the names of its catalogue into its own shard, so that a child is only ever
 * placed on a node that has the code for it.
 */
import type { NodeId } from "@foundation/core";
import type { OwnedStore } from "@foundation/crdt";
import type { Wiring } from "../wiring.js";

const KEY = "d:";

/** Definitions of all nodes, by name. */
export class DefinitionBoard {
  readonly #wiring: Wiring;
  readonly #store: OwnedStore<unknown>;
  readonly #stops: (() => void)[];
  /** Other nodes by what they define: asked for every member and every child without a node. */
  readonly #definers = new Map<string, ReadonlySet<NodeId>>();

  /** `onChange` is called when a node begins or ceases to define a process. */
  constructor(wiring: Wiring, store: OwnedStore<unknown>, onChange: () => void) {
    this.#wiring = wiring;
    this.#store = store;
    const { definitions } = wiring;
    this.#stops = [
      store.subscribe(({ key }) => {
        if (!key.startsWith(KEY)) return;
        this.#refresh(key);
        onChange();
      }),
      definitions.onDefined((name) => this.#publish(name)),
    ];
  }

  /** Tells the others what this node defines. Apart from the constructor: it calls `onChange`. */
  open(): void {
    for (const name of this.#wiring.definitions.names()) this.#publish(name);
  }

  /** True when the node is known to define a process of that name. */
  readonly defines = (node: NodeId, definition: string): boolean => {
    if (node === this.#wiring.self.node) {
      return this.#wiring.definitions.get(definition) !== undefined;
    }
    return this.#definers.get(KEY + definition)?.has(node) === true;
  };

  /** As `defines`, and true too of a node that has just joined and has not told us yet. */
  readonly mayDefine = (node: NodeId, definition: string): boolean =>
    this.defines(node, definition) || !this.#store.knows(node);

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #refresh(key: string): void {
    const owners = this.#store.get(key).map(({ owner }) => owner);
    if (owners.length === 0) this.#definers.delete(key);
    else this.#definers.set(key, new Set(owners));
  }

  #publish(name: string): void {
    this.#store.set(KEY + name, this.#wiring.definitions.get(name)?.version ?? 1);
  }
}
