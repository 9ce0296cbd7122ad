/**
 * TreeView: a tree as this node knows it, read from the specs: its children, and what happens to them. Asking costs no
 * message, and what it tells may be as old as the last delta that has not arrived.
 */
import { boundedStream, isRestarted, type BoundedStream, type NodeId } from "@foundation/core";
import type { ChildSpec } from "../../protocol/child-spec.js";
import { identityIn, type TreePlace } from "../../protocol/tree.js";
import { parseTreePlan, TREE } from "../../protocol/tree-plan.js";
import type { SpecStore } from "../supervision/spec-store.js";
import { isMember, type Wiring } from "../wiring.js";
import { isOf } from "./tree-hands.js";
import type { Trees } from "./trees.js";

/** A child of a tree, as this node knows it. */
export interface TreeChild {
  readonly id: string;
  /** The name it is found under. */
  readonly identity: string;
  readonly type: "process" | "supervisor";
  readonly definition: string;
  /**
   * - `waiting`: it has not started yet. `running`: on `node`. `restarting`: it ended and starts again.
   * - `lost`: its node is gone, and it starts elsewhere. `ended`: it stays ended.
   */
  readonly status: "waiting" | "running" | "restarting" | "lost" | "ended";
  /** Where it runs, or ran last. */
  readonly node: NodeId | undefined;
  /** How often it was started again, here or elsewhere. */
  readonly restarts: number;
  /** Why it ended, for people. */
  readonly reason: string | undefined;
}

/** What happens in a tree, as this node learns it. */
export type TreeEvent =
  /** For the first time, again, or on another node. */
  | {
      readonly type: "child-started";
      readonly id: string;
      readonly node: NodeId;
      readonly restarts: number;
    }
  | { readonly type: "child-ended"; readonly id: string; readonly reason: string | undefined }
  | { readonly type: "child-removed"; readonly id: string }
  /** Another node runs the decisions of the tree now. */
  | { readonly type: "moved"; readonly node: NodeId }
  /** The last one. */
  | { readonly type: "gave-up"; readonly reason: string | undefined }
  /** The last one. */
  | { readonly type: "stopped" };

/** Reads one tree. */
export class TreeView {
  readonly #wiring: Wiring;
  readonly #specs: SpecStore;
  readonly #trees: Trees;
  readonly #name: string;

  constructor(wiring: Wiring, specs: SpecStore, trees: Trees, name: string) {
    this.#wiring = wiring;
    this.#specs = specs;
    this.#trees = trees;
    this.#name = name;
  }

  /** The spec of the tree, when there is one. */
  get spec(): ChildSpec | undefined {
    const spec = this.#specs.get(this.#name);
    return spec?.definition === TREE ? spec : undefined;
  }

  /** In the order of their start. */
  children(): readonly TreeChild[] {
    const tree = this.spec;
    if (tree?.state !== "running") return [];
    const found = new Map<string, { readonly order: number; readonly child: TreeChild }>();
    const plan = parseTreePlan(tree.args);
    plan?.children.forEach(({ id, definition }, order) => {
      found.set(id, { order, child: this.#waiting(id, definition) });
    });
    for (const identity of this.#trees.index.of(this.#name)) {
      const spec = this.#specs.get(identity);
      const place = spec?.rules?.tree;
      if (spec === undefined || place === undefined || !isIn(tree, spec)) continue;
      if (isForgotten(spec, place)) found.delete(place.id);
      else found.set(place.id, { order: place.order, child: this.#childOf(spec, place) });
    }
    // Two nodes that ran the tree at once may have given one place twice.
    const sorted = [...found.values()].sort(
      (a, b) => a.order - b.order || (a.child.id < b.child.id ? -1 : 1),
    );
    return sorted.map(({ child }) => child);
  }

  /** First what runs, then every change; the stream ends with the tree. */
  watch(signal: AbortSignal | undefined): BoundedStream<TreeEvent> {
    let stop = () => {};
    const stream = boundedStream<TreeEvent>({
      name: `events of supervisor "${this.#name}"`,
      buffer: this.#wiring.limits.watchBuffer,
      overflow: "drop-oldest",
      signal,
      onEnd: () => stop(),
    });
    if (stream.ended) return stream;
    const told = new Map<string, TreeEvent>();
    const tell = (event: TreeEvent, id: string) => {
      if (JSON.stringify(told.get(id)) === JSON.stringify(event)) return;
      told.set(id, event);
      stream.push(event);
      if (event.type === "gave-up" || event.type === "stopped") stream.end();
    };
    for (const { id } of this.children()) this.#tellOf(identityIn(this.#name, id), told, tell);
    const owner = this.spec?.owner;
    if (owner !== undefined) told.set("", { type: "moved", node: owner.node });
    stop = this.#trees.subscribe((identity, supervisor) => {
      if (supervisor === this.#name) this.#tellOf(identity, told, tell);
      if (identity === this.#name) this.#tellOfTree(told, tell);
    });
    return stream;
  }

  #tellOf(
    identity: string,
    told: ReadonlyMap<string, TreeEvent>,
    tell: (event: TreeEvent, id: string) => void,
  ): void {
    const spec = this.#specs.get(identity);
    const id = identity.slice(this.#name.length + 1);
    const tree = this.spec;
    if (spec === undefined || tree === undefined) return;
    if (spec.state === "stopped") {
      if (told.has(id)) tell({ type: "child-removed", id }, id);
    } else if (!isIn(tree, spec)) return;
    else if (spec.state === "failed") tell({ type: "child-ended", id, reason: spec.reason }, id);
    else {
      const { node } = spec.owner;
      tell({ type: "child-started", id, node, restarts: spec.generation - 1 }, id);
    }
  }

  #tellOfTree(
    told: ReadonlyMap<string, TreeEvent>,
    tell: (event: TreeEvent, id: string) => void,
  ): void {
    const spec = this.#specs.get(this.#name);
    if (spec === undefined) return;
    if (spec.state !== "running") {
      // News of the children may come after that of the tree: nothing of them is left.
      for (const id of [...told.keys()]) if (id !== "") tell({ type: "child-removed", id }, id);
    }
    if (spec.state === "stopped") tell({ type: "stopped" }, "");
    else if (spec.state === "failed") tell({ type: "gave-up", reason: spec.reason }, "");
    else tell({ type: "moved", node: spec.owner.node }, "");
  }

  #waiting(id: string, definition: string): TreeChild {
    const identity = identityIn(this.#name, id);
    const nothing = { node: undefined, restarts: 0, reason: undefined };
    return { id, identity, type: typeOf(definition), definition, status: "waiting", ...nothing };
  }

  #childOf(spec: ChildSpec, place: TreePlace): TreeChild {
    const { identity, definition, owner, generation, reason } = spec;
    const status = this.#statusOf(spec, place);
    const restarts = generation - 1;
    const type = typeOf(definition);
    return { id: place.id, identity, type, definition, status, node: owner.node, restarts, reason };
  }

  #statusOf(spec: ChildSpec, place: TreePlace): TreeChild["status"] {
    if (spec.state === "running") {
      return isMember(spec.owner, this.#wiring.membership) ? "running" : "lost";
    }
    return isComingBack(spec, place) ? "restarting" : "ended";
  }
}

/** True for a spec of the present start of the tree. */
function isIn(tree: ChildSpec, spec: ChildSpec): boolean {
  return isOf(spec, { supervisor: tree.identity, incarnation: tree.incarnation });
}

/** A temporary child that ended is no child any more. */
function isForgotten(spec: ChildSpec, { ended }: TreePlace): boolean {
  return spec.state === "stopped" || (ended !== undefined && spec.restart === "temporary");
}

function isComingBack({ restart }: ChildSpec, { ended }: TreePlace): boolean {
  if (ended === "held") return true;
  if (ended === "told") return false;
  const type = ended === "crashed" ? "killed" : "normal";
  return isRestarted(restart, { type });
}

function typeOf(definition: string): TreeChild["type"] {
  return definition === TREE ? "supervisor" : "process";
}
