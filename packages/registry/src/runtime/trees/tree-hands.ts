/**
 * TreeHands: what a supervisor does to its children, wherever they run: start, start again, end.
 *
 * Each is asked of the node concerned and written into the child's spec by that node, so the outcome is known to all even
 * when the answer is lost. A start again goes to the node where the child was, as long as it may run there.
 *
 * Invariants: `end` resolves only when nothing of the child runs on any member; a child whose node is no member any more
 * counts as ended, and its spec then says so, so that an instance behind a partition ends when it hears of it.
 */
import {
  coreErrors,
  isFoundationError,
  pinned,
  type InboundMessage,
  type NodeId,
  type ProcessDefinition,
} from "@foundation/core";
import { registryErrors } from "../../errors.js";
import { candidatesFor } from "../../protocol/candidates.js";
import {
  compareVersions,
  droppedSpec,
  sameOwner,
  startSpec,
  stoppedSpec,
  type ChildSpec,
} from "../../protocol/child-spec.js";
import { parseSpec } from "../../protocol/parse-spec.js";
import {
  endedAnew,
  endedSpec,
  identityIn,
  withoutEnd,
  type TreePlace,
} from "../../protocol/tree.js";
import type { PlannedChild } from "../../protocol/tree-plan.js";
import { Patience } from "../patience.js";
import { checkStart } from "../supervision/start-options.js";
import type { Starts } from "../supervision/starts.js";
import type { Supervision, SupervisionParts } from "../supervision/supervision.js";
import { CHANNEL, isMember, type Wiring } from "../wiring.js";
import { pause } from "./pause.js";

const START = "registry.tree.start";
const END = "registry.tree.end";

/** What becomes of a child that is ended: `stopped` is forgotten, `dropped` is so with its tree. */
export type Fate = "held" | "told" | "stopped" | "dropped";

/** A start that waits for a node is ended by its signal; this is only longer than any such wait. */
const WAITING_MS = 2_000_000_000;

const FATES: ReadonlySet<unknown> = new Set(["held", "told", "stopped", "dropped"]);

/** What the hands need to know of the trees that this node runs. */
export interface LocalTrees {
  /** Stops the children of a supervisor that runs here; resolves at once when none does. */
  stopChildren(identity: string): Promise<void>;
}

/** Starts and ends the children of trees. */
export class TreeHands {
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #supervision: Supervision;
  readonly #starts: Starts;
  readonly #trees: LocalTrees;
  readonly #stops: (() => void)[];

  constructor(
    wiring: Wiring,
    parts: SupervisionParts,
    supervision: Supervision,
    starts: Starts,
    trees: LocalTrees,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.#starts = starts;
    this.#trees = trees;
    this.#stops = [
      wiring.messenger.handle(START, ({ payload }) => this.#onStart(payload)),
      wiring.messenger.handle(END, (message) => this.#onEnd(message)),
    ];
  }

  /**
   * The first start of a child. Rejects when it does not start; with `waits`, not for want of a node: a tree that goes on
   * behind a cut may lack the nodes of some of its children, and that is no failing of theirs.
   */
  async start(
    identity: string,
    child: PlannedChild,
    place: TreePlace,
    signal: AbortSignal,
    waits: boolean,
  ): Promise<void> {
    const { limits, clock, self } = this.#wiring;
    const { restart, on, distribute } = child;
    const placement = distribute ? undefined : pinned(self.node);
    const asked = { name: identity, distribute: true, restart, on, placement };
    const options = { ...checkStart(asked, limits), rules: { ...child.rules, tree: place } };
    const definition = { name: child.definition } as ProcessDefinition;
    const timeoutMs = waits ? WAITING_MS : limits.treeStartMs;
    const patience = new Patience(clock, timeoutMs, signal);
    try {
      for (;;) {
        patience.check(identity);
        try {
          await this.#starts.start(definition, child.args, options, patience);
          return;
        } catch (error) {
          const isTaken = isFoundationError(error, "ERR_NAME_TAKEN");
          const spec = this.#parts.specs.get(identity);
          if (isTaken && spec?.state === "running") {
            if (isOf(spec, place)) return;
            // One of an earlier start is dropped by whoever looks at it; after a later one this run is over.
            if (!isOfAnother(spec, place)) throw error;
          }
          // Taken by none of this start: its former instance is still ending.
          if (!isTaken && !(waits && mayTryAnother(error))) throw error;
        }
        await pause(clock, limits.treeRetryMs, patience.signal);
      }
    } catch (error) {
      throw patience.expired ? notInTime(identity, limits.treeStartMs, error) : error;
    } finally {
      patience.end();
    }
  }

  /** Starts a child again that has ended; waits for a node that may run it. Rejects when `init` fails. */
  async startAgain(ended: ChildSpec, here: boolean, signal: AbortSignal): Promise<void> {
    const { clock, limits } = this.#wiring;
    const tried = new Set<NodeId>();
    for (let spec = ended; ; ) {
      if (signal.aborted) throw givenUp(spec.identity);
      const target = this.#targetOf(spec, here, tried);
      if (target === undefined) {
        tried.clear();
        await pause(clock, limits.treeRetryMs, signal);
      } else {
        const failed = await this.#startOn(target, withoutEnd(spec));
        if (failed !== undefined && !mayTryAnother(failed)) throw failed;
        tried.add(target);
      }
      const known = this.#parts.specs.get(spec.identity);
      if (known?.state === "running" && isMember(known.owner, this.#wiring.membership)) return;
      if (known === undefined || known.state === "stopped") throw givenUp(spec.identity);
      if (isNewFailure(known, spec)) throw initFailed(known);
      spec = known;
    }
  }

  /** Ends a child wherever it runs, and says in its spec what becomes of it. Never rejects. */
  async end(identity: string, fate: Fate, shutdownMs: number, signal: AbortSignal): Promise<void> {
    const { clock, limits, membership, logger } = this.#wiring;
    while (!signal.aborted) {
      const spec = this.#parts.specs.get(identity);
      if (spec?.state !== "running" || !isMember(spec.owner, membership)) break;
      try {
        await this.#endOn(spec.owner.node, identity, fate, shutdownMs);
        if (this.#parts.specs.get(identity) !== spec) continue;
      } catch (error) {
        logger.debug("A child of a tree could not be ended yet", { identity, error });
      }
      await pause(clock, limits.treeRetryMs, signal);
    }
    if (!signal.aborted) this.settle(identity, fate);
  }

  /** Says in the spec of a child that runs on no member what becomes of it. */
  settle(identity: string, fate: Fate): void {
    const { specs } = this.#parts;
    const spec = specs.get(identity);
    if (spec === undefined || spec.state === "stopped") return;
    if (isForgotten(fate)) specs.put(forgottenSpec(spec, fate));
    else if (spec.state === "running" || spec.rules?.tree?.ended !== fate) {
      specs.put(endedAnew(spec, fate, this.#wiring.self));
    }
  }

  /** Keeps that a child of the plan stays ended, though its spec was stopped by somebody else. */
  remember(child: PlannedChild, place: TreePlace): void {
    const { specs } = this.#parts;
    const identity = identityIn(place.supervisor, place.id);
    const known = specs.get(identity);
    if (known !== undefined && known.state !== "stopped") return;
    const { definition, args, restart, on } = child;
    const rules = { ...child.rules, tree: place };
    const request = { identity, definition, args, restart, on, meta: undefined, rules };
    specs.put(endedSpec(startSpec(request, this.#wiring.self, known), "told", "told"));
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  /** Where it was, as long as it may run there; else where the placement puts it. */
  #targetOf(spec: ChildSpec, here: boolean, tried: ReadonlySet<NodeId>): NodeId | undefined {
    const { self, membership } = this.#wiring;
    if (here) return tried.has(self.node) ? undefined : self.node;
    const { board, place } = this.#parts;
    const fit = candidatesFor(spec, membership.members(), board.takes);
    const candidates = fit.filter(({ id }) => !tried.has(id));
    const former = candidates.find(({ id, boot }) => sameOwner({ node: id, boot }, spec.owner));
    if (former !== undefined) return former.id;
    return candidates.length === 0 ? undefined : place(spec.identity, candidates);
  }

  /** Nothing when the node answered: what it did stands in the spec. */
  async #startOn(target: NodeId, spec: ChildSpec): Promise<unknown> {
    const { self, messenger, limits } = this.#wiring;
    try {
      if (target === self.node) await this.#startHere(spec);
      else {
        const route = { to: target, channel: CHANNEL, subject: START, key: spec.identity };
        const answer = await messenger.request(route, spec, { timeoutMs: limits.treeStartMs });
        this.#parts.specs.learn(spec.identity, answer);
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async #startHere(spec: ChildSpec): Promise<ChildSpec | undefined> {
    const { specs } = this.#parts;
    const definition = this.#wiring.definitions.get(spec.definition);
    if (definition === undefined || this.#supervision.draining) {
      throw registryErrors.ERR_NO_CANDIDATE("This node cannot start the child", {
        name: spec.identity,
        reason: "it is draining, or does not define the process",
      });
    }
    const known = specs.get(spec.identity);
    if (known !== undefined && compareVersions(known, spec) > 0) return known;
    await this.#supervision.takeOver(spec);
    return specs.get(spec.identity);
  }

  async #endOn(node: NodeId, identity: string, fate: Fate, shutdownMs: number): Promise<void> {
    const { self, messenger, limits } = this.#wiring;
    if (node === self.node) return void (await this.#endHere(identity, fate, shutdownMs));
    const route = { to: node, channel: CHANNEL, subject: END, key: identity };
    // A supervisor that ends takes as long as its children do: it is asked again, not waited for.
    const timeoutMs = limits.timeoutMs + shutdownMs;
    const answer = await messenger.request(route, [identity, fate, shutdownMs], { timeoutMs });
    // What the other node wrote: the answer may come before the write does.
    this.#parts.specs.learn(identity, answer);
  }

  async #endHere(identity: string, fate: Fate, shutdownMs: number): Promise<ChildSpec | undefined> {
    const { specs } = this.#parts;
    await this.#trees.stopChildren(identity);
    const type = shutdownMs === 0 ? "killed" : "shutdown";
    await this.#supervision.children.end(identity, { type }, shutdownMs);
    const spec = specs.get(identity);
    if (spec?.state === "running" && sameOwner(spec.owner, this.#wiring.self)) {
      const isGone = isForgotten(fate);
      specs.put(isGone ? forgottenSpec(spec, fate) : endedSpec(spec, fate, fate));
    }
    return specs.get(identity);
  }

  async #onStart(payload: unknown): Promise<ChildSpec | undefined> {
    const spec = parseSpec(payload);
    if (spec?.rules?.tree === undefined) throw unreadable("start");
    return this.#startHere(spec);
  }

  async #onEnd({ payload }: InboundMessage): Promise<ChildSpec | undefined> {
    const [identity, fate, shutdownMs] = Array.isArray(payload) ? (payload as unknown[]) : [];
    const isTime = typeof shutdownMs === "number" && shutdownMs >= 0;
    if (typeof identity !== "string" || !FATES.has(fate) || !isTime) throw unreadable("end");
    return this.#endHere(identity, fate as Fate, shutdownMs);
  }
}

/** True for a spec of this very start of the tree. */
export function isOf(
  spec: ChildSpec,
  place: Pick<TreePlace, "supervisor" | "incarnation">,
): boolean {
  const tree = spec.rules?.tree;
  return tree?.supervisor === place.supervisor && tree.incarnation === place.incarnation;
}

function isForgotten(fate: Fate): fate is "stopped" | "dropped" {
  return fate === "stopped" || fate === "dropped";
}

function forgottenSpec(spec: ChildSpec, fate: "stopped" | "dropped"): ChildSpec {
  return fate === "stopped" ? stoppedSpec(spec) : droppedSpec(spec);
}

/** True for a spec of another start of the tree, which ran behind a cut or comes after this one. */
export function isOfAnother(
  spec: ChildSpec,
  { supervisor, incarnation }: Pick<TreePlace, "supervisor" | "incarnation">,
): boolean {
  const tree = spec.rules?.tree;
  return tree?.supervisor === supervisor && tree.incarnation !== incarnation;
}

/** Another node may be asked: this one did nothing, or what it did stands in the spec. */
function mayTryAnother(error: unknown): boolean {
  return [
    "ERR_NODE_UNREACHABLE",
    "ERR_NO_CANDIDATE",
    "ERR_UNKNOWN_SUBJECT",
    "ERR_OUTCOME_UNKNOWN",
    "ERR_TIMEOUT",
    "ERR_CLOSED",
    "ERR_PROCESS_UNDEFINED",
  ].includes(isFoundationError(error) ? error.code : "");
}

/** True when the child was started as a newer version, and has ended as that. */
function isNewFailure(known: ChildSpec, before: ChildSpec): boolean {
  return known.state === "failed" && compareVersions(known, before) > 0;
}

function initFailed(spec: ChildSpec): Error {
  const thrown = spec.reason ?? "it ended while it started";
  return coreErrors.ERR_INIT_FAILED(`Child "${spec.identity}" did not start again: ${thrown}`, {
    process: spec.identity,
    thrown,
  });
}

function givenUp(target: string): Error {
  return coreErrors.ERR_ABORTED(`Child "${target}" was ended before it had started`, { target });
}

function notInTime(target: string, timeoutMs: number, cause: unknown): Error {
  return coreErrors.ERR_TIMEOUT(
    `Child "${target}" did not start within ${timeoutMs} ms (treeStartMs)`,
    { timeoutMs, target },
    cause,
  );
}

function unreadable(what: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `A request to ${what} a child of a tree cannot be read: the node that sent it runs another version`,
    { argument: "payload", expected: "a request of this version", found: "another form" },
  );
}
