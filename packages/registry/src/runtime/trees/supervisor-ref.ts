/**
 * SupervisorRef: what a user holds of a supervision tree. It follows the tree to whichever node runs it.
 *
 * Closing it ends what it watches; the tree goes on until somebody stops it.
 */
import { checkOptions, checkText } from "@foundation/core";
import type { NodeId, ProcessDefinition } from "@foundation/core";
import { identityIn } from "../../protocol/tree.js";
import type { ClusterRef } from "../calls/process-reference.js";
import { checkDefinition } from "../given.js";
import type { OperationOptions } from "../supervision/start-options.js";
import type { TreeProcess, TreeSupervisor } from "./tree-options.js";
import type { TreeChild, TreeEvent } from "./tree-view.js";

/** A supervision tree of the cluster. */
export interface SupervisorRef extends AsyncDisposable {
  readonly name: string;
  /** The node that runs its decisions; undefined when the tree does not run. */
  whereis(): NodeId | undefined;
  /** Its children in the order of their start, as this node knows them. */
  children(): readonly TreeChild[];
  /** A supervisor under it. */
  supervisor(id: string): SupervisorRef;
  /** A reference to a process under it, which follows that one wherever it runs. */
  process<D extends ProcessDefinition>(definition: D, id: string): ClusterRef<D>;
  /**
   * Adds a child at the end; resolves when it has started. It is forgotten when it ends for good.
   * @throws {ERR_INVALID_ARGUMENT} the id is taken. @throws {ERR_QUEUE_FULL} maxChildren
   * @throws {ERR_INIT_FAILED} it did not start, and is forgotten. @throws {ERR_NO_PROCESS} the tree does not run.
   * @throws {ERR_OUTCOME_UNKNOWN} it may have started: `children()` tells
   */
  startChild<D extends ProcessDefinition>(
    child: TreeProcess<D>,
    options?: OperationOptions,
  ): Promise<ClusterRef<D>>;
  /** Adds a supervisor with its children. */
  startChild(child: TreeSupervisor, options?: OperationOptions): Promise<SupervisorRef>;
  /**
   * Ends a child: one that was added or is temporary is forgotten; another keeps its place, and stays ended until `restartChild` or a
   * restart of its group. False when there is none of that id.
   */
  endChild(id: string, options?: OperationOptions): Promise<boolean>;
  /** Ends a child if it runs, and starts it anew; not counted as a restart. @throws {ERR_NO_PROCESS} no such child */
  restartChild(id: string, options?: OperationOptions): Promise<void>;
  /** First the children that run, then what happens in the tree; the stream ends with it. */
  watch(options?: { readonly signal?: AbortSignal }): AsyncIterableIterator<TreeEvent>;
  /** Ends all children in reverse order, then the tree. Resolves when nothing of it runs. */
  stop(options?: OperationOptions): Promise<void>;
  /** Ends what this handle watches; the tree goes on. Idempotent. */
  close(): Promise<void>;
}

/** What a handle is made of. */
export interface SupervisorRefParts {
  view(name: string): {
    readonly spec:
      | { readonly owner: { readonly node: NodeId }; readonly state: string }
      | undefined;
    children(): readonly TreeChild[];
    watch(signal: AbortSignal | undefined): {
      readonly iterator: AsyncIterableIterator<TreeEvent>;
      readonly ended: boolean;
      close(): void;
    };
  };
  process<D extends ProcessDefinition>(definition: D, name: string): ClusterRef<D>;
  startChild(
    name: string,
    child: TreeProcess | TreeSupervisor,
    options: OperationOptions | undefined,
  ): Promise<void>;
  endChild(name: string, id: string, options: OperationOptions | undefined): Promise<boolean>;
  restartChild(name: string, id: string, options: OperationOptions | undefined): Promise<void>;
  stop(name: string, options: OperationOptions | undefined): Promise<void>;
}

/** Makes a handle. */
export function supervisorRef(parts: SupervisorRefParts, name: string): SupervisorRef {
  return new Handle(parts, name);
}

class Handle implements SupervisorRef {
  readonly name: string;
  readonly #parts: SupervisorRefParts;
  readonly #streams = new Set<{ readonly ended: boolean; close(): void }>();

  constructor(parts: SupervisorRefParts, name: string) {
    this.#parts = parts;
    this.name = name;
  }

  whereis(): NodeId | undefined {
    const { spec } = this.#parts.view(this.name);
    return spec?.state === "running" ? spec.owner.node : undefined;
  }

  children(): readonly TreeChild[] {
    return this.#parts.view(this.name).children();
  }

  supervisor(id: string): SupervisorRef {
    checkText("supervisor", "id", id);
    return new Handle(this.#parts, identityIn(this.name, id));
  }

  process<D extends ProcessDefinition>(definition: D, id: string): ClusterRef<D> {
    checkDefinition("process", "definition", definition);
    checkText("process", "id", id);
    return this.#parts.process(definition, identityIn(this.name, id));
  }

  startChild<D extends ProcessDefinition>(
    child: TreeProcess<D>,
    options?: OperationOptions,
  ): Promise<ClusterRef<D>>;
  startChild(child: TreeSupervisor, options?: OperationOptions): Promise<SupervisorRef>;
  async startChild(
    child: TreeProcess | TreeSupervisor,
    options?: OperationOptions,
  ): Promise<ClusterRef | SupervisorRef> {
    await this.#parts.startChild(this.name, child, options);
    return "supervisor" in child
      ? this.supervisor(child.id)
      : this.process(child.process, child.id);
  }

  async endChild(id: string, options?: OperationOptions): Promise<boolean> {
    checkText("endChild", "id", id);
    return this.#parts.endChild(this.name, id, options);
  }

  async restartChild(id: string, options?: OperationOptions): Promise<void> {
    checkText("restartChild", "id", id);
    return this.#parts.restartChild(this.name, id, options);
  }

  watch(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<TreeEvent> {
    checkOptions("watch", options, ["signal"]);
    for (const stream of this.#streams) if (stream.ended) this.#streams.delete(stream);
    const stream = this.#parts.view(this.name).watch(options.signal);
    this.#streams.add(stream);
    return stream.iterator;
  }

  stop(options?: OperationOptions): Promise<void> {
    return this.#parts.stop(this.name, options);
  }

  close(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
