/**
 * Supervising: from `supervise` on one node to a tree that runs, wherever it runs.
 *
 * The tree's record comes first, then its children in order: whoever goes on with it when its node dies meanwhile has all
 * it needs. When a child does not start, or the caller gives up, those before it are stopped again and the record goes.
 */
import { coreErrors, isFoundationError, type ProcessDefinition } from "@foundation/core";
import { isDropped, type ChildSpec } from "../../protocol/child-spec.js";
import { checkName } from "../../protocol/names.js";
import { TREE } from "../../protocol/tree-plan.js";
import type { ClusterRef } from "../calls/process-reference.js";
import { Patience } from "../patience.js";
import { checkStart, type OperationOptions } from "../supervision/start-options.js";
import type { Starts } from "../supervision/starts.js";
import type { SpecInquiry } from "../supervision/spec-inquiry.js";
import type { SpecStore } from "../supervision/spec-store.js";
import type { Wiring } from "../wiring.js";
import { supervisorRef, type SupervisorRef, type SupervisorRefParts } from "./supervisor-ref.js";
import { treeProcess } from "./tree-definition.js";
import {
  planOf,
  plannedChild,
  type SuperviseOptions,
  type TreeChildOptions,
  type TreeProgress,
} from "./tree-options.js";
import { TreeView } from "./tree-view.js";
import type { Trees } from "./trees.js";

/** Runs an operation with its time. */
export type Within = <T>(
  options: OperationOptions | undefined,
  target: string,
  operation: (patience: Patience) => Promise<T>,
) => Promise<T>;

/** What supervising works with. */
export interface SupervisingParts {
  readonly specs: SpecStore;
  readonly starts: Starts;
  readonly inquiry: SpecInquiry;
  readonly trees: Trees;
  readonly within: Within;
  process<D extends ProcessDefinition>(definition: D, name: string): ClusterRef<D>;
}

/** Starts trees, and makes the handles of those that run. */
export class Supervising implements SupervisorRefParts {
  readonly #wiring: Wiring;
  readonly #parts: SupervisingParts;

  constructor(wiring: Wiring, parts: SupervisingParts) {
    this.#wiring = wiring;
    this.#parts = parts;
  }

  /** Starts a tree and resolves when all of its children have started. */
  supervise(name: string, options: SuperviseOptions): Promise<SupervisorRef> {
    const { limits } = this.#wiring;
    checkName(name, limits.nameBytesMax);
    const known = this.#parts.specs.get(name);
    const isAfterStop = known?.state === "stopped" && !isDropped(known);
    const plan = { ...planOf(options, this.#wiring), isAfterStop };
    const { on, partition, ifRunning } = options;
    const checked = checkStart({ name, distribute: true, on, partition, ifRunning }, limits);
    return this.#parts.within(options, `supervise("${name}")`, async (patience) => {
      let own: ChildSpec | undefined;
      try {
        own = (await this.#parts.starts.start(treeProcess, plan, checked, patience)).spec;
      } catch (error) {
        if (!mayReturn(error, checked.ifRunning)) throw error;
        await this.#parts.inquiry.learn(name, error, patience);
      }
      const stop = this.#progress(name, plan.children.length, options.onProgress);
      try {
        await this.#parts.trees.ask(name, { type: "ready" }, patience);
      } catch (error) {
        if (own === undefined || !patience.signal.aborted) throw error;
        if (await this.#takeBack(name, own)) throw error;
      } finally {
        stop();
      }
      return this.find(name);
    });
  }

  /** The handle of a tree, whether it runs or not. @throws {ERR_NAME_INVALID} */
  find(name: string): SupervisorRef {
    checkName(name, this.#wiring.limits.nameBytesMax);
    return supervisorRef(this, name);
  }

  view(name: string): TreeView {
    return new TreeView(this.#wiring, this.#parts.specs, this.#parts.trees, name);
  }

  process<D extends ProcessDefinition>(definition: D, name: string): ClusterRef<D> {
    return this.#parts.process(definition, name);
  }

  startChild(
    name: string,
    options: TreeChildOptions,
    operation: OperationOptions | undefined,
  ): Promise<void> {
    const child = plannedChild(options, this.#wiring);
    const target = `startChild("${child.id}")`;
    return this.#parts.within(operation, target, async (patience) => {
      await this.#parts.trees.ask(name, { type: "start-child", child }, patience);
    });
  }

  endChild(name: string, id: string, options: OperationOptions | undefined): Promise<boolean> {
    return this.#parts.within(options, `endChild("${id}")`, async (patience) => {
      return (await this.#parts.trees.ask(name, { type: "end-child", id }, patience)) === true;
    });
  }

  restartChild(name: string, id: string, options: OperationOptions | undefined): Promise<void> {
    return this.#parts.within(options, `restartChild("${id}")`, async (patience) => {
      await this.#parts.trees.ask(name, { type: "restart-child", id }, patience);
    });
  }

  stop(name: string, options: OperationOptions | undefined): Promise<void> {
    return this.#parts.within(options, `stop("${name}")`, async (patience) => {
      const { spec } = this.view(name);
      const isNested = spec?.rules?.tree !== undefined;
      if (isNested) throw nested(name);
      await this.#parts.trees.ask(name, { type: "stop" }, patience);
    });
  }

  /**
   * Its starter waits no more: what of it has started ends again. False when all of it had: others may have been told so.
   */
  async #takeBack(name: string, { incarnation }: ChildSpec): Promise<boolean> {
    const { clock, limits, logger } = this.#wiring;
    const patience = new Patience(clock, limits.timeoutMs, undefined);
    try {
      return (
        (await this.#parts.trees.ask(name, { type: "take-back", incarnation }, patience)) === true
      );
    } catch (error) {
      logger.debug("A tree that nobody waits for was not stopped by hand", { name, error });
      return true;
    } finally {
      patience.end();
    }
  }

  #progress(
    name: string,
    total: number,
    tell: ((progress: TreeProgress) => void) | undefined,
  ): () => void {
    if (tell === undefined) return () => undefined;
    const { trees, specs } = this.#parts;
    const started = new Set<string>();
    const look = (identity: string) => {
      const spec = specs.get(identity);
      const id = spec?.rules?.tree?.id;
      if (spec?.state !== "running" || id === undefined || started.has(id)) return;
      started.add(id);
      try {
        tell({ id, started: started.size, total });
      } catch (thrown) {
        this.#wiring.logger.error("onProgress threw", { cause: thrown });
      }
    };
    for (const identity of trees.index.of(name)) look(identity);
    return trees.subscribe((identity, supervisor) => {
      if (supervisor === name) look(identity);
    });
  }
}

function mayReturn(error: unknown, ifRunning: "error" | "return"): boolean {
  if (ifRunning !== "return" || !isFoundationError(error, "ERR_NAME_TAKEN")) return false;
  return (error.details as { definition?: unknown }).definition === TREE;
}

function nested(name: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `"${name}" is a supervisor in a tree: end it by endChild of the supervisor above it`,
    { argument: "name", expected: "a supervisor by itself", found: name },
  );
}
