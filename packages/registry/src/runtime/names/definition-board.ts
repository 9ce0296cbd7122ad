/**
 * DefinitionBoard: which node defines which processes, and whether they mean the same by them.
 *
 * Each node writes the contracts of its catalogue into its own shard, so that a child is only ever
 * placed on a node that has the code for it. A node whose contract of one name and version is not the one that counts
 * (see contracts.ts) is no place for it; that is said once, in the log, by every node that sees it.
 *
 * The definition that every registry has by itself, that of trees, is told only once somebody has a tree: told at the start it
 * was all that most nodes had written, and for it each pair of a forming cluster greeted each other on a lane of its own.
 */
import { contractOf, type NodeId, type ProcessDefinition } from "@foundation/core";
import { registryErrors } from "../../errors.js";
import {
  contractToTell,
  counted,
  differenceOf,
  parseContract,
  type Contract,
  type Holder,
} from "../../protocol/contracts.js";
import { DEFINITION_KEY } from "../../protocol/name-value.js";
import { TREE } from "../../protocol/tree-plan.js";
import type { SpecStore } from "../supervision/spec-store.js";
import { show, type Wiring } from "../wiring.js";
import type { ClaimStore } from "./claims.js";

/** Two definitions of one name and version that are called differently. */
export interface ContractConflict {
  readonly definition: string;
  readonly version: number;
  /** The node that means something else than this one. */
  readonly node: NodeId;
  readonly difference: string;
}

/** Definitions of all nodes, by name. */
export class DefinitionBoard {
  readonly #wiring: Wiring;
  readonly #store: ClaimStore;
  readonly #stops: (() => void)[];
  /** Nodes by what they define as it counts: asked for every member and every child without a node. */
  readonly #definers = new Map<string, ReadonlySet<NodeId>>();
  /** Nodes that mean something else than this one, by definition. */
  readonly #conflicts = new Map<string, ReadonlyMap<NodeId, ContractConflict>>();
  readonly #contracts = new WeakMap<ProcessDefinition, Contract>();

  /** `onChange` is called when a node begins or ceases to define a process. */
  constructor(wiring: Wiring, store: ClaimStore, specs: SpecStore, onChange: () => void) {
    this.#wiring = wiring;
    this.#store = store;
    const { definitions } = wiring;
    this.#stops = [
      store.subscribe(({ key }) => {
        if (!key.startsWith(DEFINITION_KEY)) return;
        const name = key.slice(DEFINITION_KEY.length);
        this.#refresh(name);
        onChange();
        if (name === TREE) this.#tellOfTrees();
      }),
      specs.subscribe((identity) => {
        if (specs.get(identity)?.definition === TREE) this.#tellOfTrees();
      }),
      definitions.onDefined((name) => this.#publish(name)),
    ];
  }

  /** Tells the others what this node defines. Apart from the constructor: it calls `onChange`. */
  open(): void {
    for (const name of this.#wiring.definitions.names()) {
      if (name !== TREE) this.#publish(name);
    }
  }

  /** Definitions of other nodes that are called differently than this node's of the same name and version. */
  conflicts(): readonly ContractConflict[] {
    return [...this.#conflicts.values()].flatMap((byNode) => [...byNode.values()]);
  }

  /** True when the node is known to define a process of that name, and means by it what counts. */
  readonly defines = (node: NodeId, definition: string): boolean => {
    const definers = this.#definers.get(definition);
    if (definers?.has(node) === true) return true;
    // What was defined a moment ago is not on the board yet.
    const { self, definitions } = this.#wiring;
    const isTold = this.#store.own(DEFINITION_KEY + definition) !== undefined;
    return node === self.node && !isTold && definitions.get(definition) !== undefined;
  };

  /** As `defines`, and true too of what every registry defines, be it told yet or not: for whoever asks the node itself. */
  readonly takes = (node: NodeId, definition: string): boolean =>
    definition === TREE || this.defines(node, definition);

  /** As `takes`, and true too of a node that has just joined and has not told us yet. */
  readonly mayDefine = (node: NodeId, definition: string): boolean =>
    this.takes(node, definition) || !this.#store.knows(node);

  /**
   * Refuses to send to a process of another node what that would take for something else.
   * @throws {ERR_CONTRACT_MISMATCH}
   */
  check(name: string, node: NodeId, definition: ProcessDefinition): void {
    if (this.#conflicts.size === 0 || node === this.#wiring.self.node) return;
    const conflict = this.#conflicts.get(definition.name)?.get(node);
    if (conflict === undefined || conflict.version !== definition.version) return;
    throw registryErrors.ERR_CONTRACT_MISMATCH(
      `${show(name)} runs on node ${node}, whose "${definition.name}" (version ${definition.version}) is not this ` +
        `node's: ${conflict.difference}; nothing was sent. Deploy one of them everywhere, or give one another version`,
      { name, definition: definition.name, node, difference: conflict.difference },
    );
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #refresh(name: string): void {
    const holders: Holder[] = [];
    for (const { owner, boot, value } of this.#store.get(DEFINITION_KEY + name)) {
      const contract = parseContract(value);
      if (contract !== undefined) holders.push({ ...contract, owner, boot });
    }
    if (holders.length === 0) this.#definers.delete(name);
    else this.#definers.set(name, new Set(counted(holders).map(({ owner }) => owner)));
    this.#compare(name, holders);
  }

  #compare(name: string, holders: readonly Holder[]): void {
    const definition = this.#wiring.definitions.get(name);
    const before = this.#conflicts.get(name);
    this.#conflicts.delete(name);
    if (definition === undefined) return;
    const own = this.#contractOf(definition);
    const found = new Map<NodeId, ContractConflict>();
    for (const { owner: node, ...other } of holders) {
      if (other.version !== own.version || other.contract === own.contract) continue;
      const difference = differenceOf(own, other);
      const conflict = { definition: name, version: own.version, node, difference };
      found.set(node, conflict);
      if (before?.has(node) !== true) this.#report(conflict);
    }
    if (found.size > 0) this.#conflicts.set(name, found);
  }

  #report(conflict: ContractConflict): void {
    const { definition, version, node, difference } = conflict;
    this.#wiring.logger.warn(
      `"${definition}" (version ${version}) of node ${node} is another one than this node's: ${difference}. ` +
        "Neither node takes over the other's; deploy one of them everywhere, or give one another version",
      { ...conflict },
    );
  }

  /** Somebody has a tree, or is ready for one: who takes it over when its node dies is decided without asking. */
  #tellOfTrees(): void {
    if (this.#store.own(DEFINITION_KEY + TREE) === undefined) this.#publish(TREE);
  }

  #publish(name: string): void {
    const definition = this.#wiring.definitions.get(name);
    if (definition !== undefined) {
      this.#store.set(DEFINITION_KEY + name, this.#contractOf(definition));
    }
  }

  #contractOf(definition: ProcessDefinition): Contract {
    const known = this.#contracts.get(definition);
    if (known !== undefined) return known;
    const { version, call, cast } = definition;
    const [calls, casts] = [Object.keys(call).sort(), Object.keys(cast).sort()];
    const made = contractToTell(contractOf(definition), version, calls, casts);
    this.#contracts.set(definition, made);
    return made;
  }
}
