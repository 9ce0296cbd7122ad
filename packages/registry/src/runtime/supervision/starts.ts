/**
 * Starts: from `startProcess` on one node to a running child on the node that was chosen.
 *
 * The caller chooses the node; the node answers for the identity. Two nodes may choose differently
 * at the same time: both start it, and when the specs meet, the greater version stays.
 *
 * Invariants: on one node, two starts of one identity never run at once; a start that is refused
 * left nothing behind; another candidate is tried only when the first provably did nothing.
 */
import {
  coreErrors,
  isFoundationError,
  RenewedMap,
  type FoundationError,
  type InboundMessage,
  type Member,
  type NodeId,
  type Pid,
  type ProcessDefinition,
  type ProcessLease,
} from "@foundation/core";
import { registryErrors } from "../../errors.js";
import { candidatesFor, preferWell, type Place } from "../../protocol/candidates.js";
import {
  compareVersions,
  sameOwner,
  startSpec,
  type ChildRequest,
  type ChildSpec,
  type Owner,
} from "../../protocol/child-spec.js";
import { GENERATED } from "../../protocol/names.js";
import { isStrong, strongStart } from "../../protocol/strong.js";
import { parseRequest, parseSpec } from "../../protocol/parse-spec.js";
import { parsePid } from "../calls/foundation-errors.js";
import type { Patience } from "../patience.js";
import { noCandidate } from "../placement/no-candidate.js";
import type { CheckedStart } from "./start-options.js";
import type { Supervision, SupervisionParts } from "./supervision.js";
import { CHANNEL, copyOf, isMember, show, type Wiring } from "../wiring.js";

/** What is asked of the node that shall run the child; it crosses the wire as it is. */
export interface StartRequest extends ChildRequest {
  readonly distribute: boolean;
  readonly visible: boolean;
  /** How it ended last, as who asks knows: by older news the new start would be outranked as soon as that arrived. */
  readonly former?: ChildSpec;
}

/** What that node answers. */
export interface StartReply {
  readonly pid: Pid;
  /** Absent for a child that belongs to one node only. */
  readonly spec: ChildSpec | undefined;
}

/** A child that runs, as the caller of `startProcess` knows it. */
export interface Started extends StartReply {
  readonly identity: string;
}

export const START_SUBJECT = "registry.start";

/** Starts children, here and elsewhere. */
export class Starts {
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #supervision: Supervision;
  readonly #visible: (signal: AbortSignal) => Promise<void>;
  /** Starts under way on this node, by identity. */
  readonly #underWay = new RenewedMap<string, Promise<unknown>>();

  constructor(
    wiring: Wiring,
    parts: SupervisionParts,
    supervision: Supervision,
    visible: (signal: AbortSignal) => Promise<void>,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.#visible = visible;
  }

  /** Starts it where it belongs. */
  async start(
    definition: ProcessDefinition,
    args: unknown,
    options: CheckedStart,
    patience: Patience,
  ): Promise<Started> {
    const identity = options.name ?? this.#generate();
    const { distribute, on, restart } = options;
    const { codec } = this.#wiring;
    const former = this.#parts.specs.get(identity);
    const request: StartRequest = {
      identity,
      definition: definition.name,
      // Copies: what the caller changes later changes no spec and no later start.
      args: copyOf(args, codec),
      restart,
      on,
      meta: copyOf(options.meta, codec),
      ...(options.rules && { rules: options.rules }),
      distribute,
      visible: options.wait === "visible",
      ...(former !== undefined && former.state !== "running" && { former }),
    };
    this.#refuseTaken(identity);
    if (!distribute && on === undefined) {
      const published = options.name !== undefined;
      return { identity, ...(await this.startHere(request, published, patience.signal)) };
    }
    const { placement } = options;
    const { placing, placeFirst } = this.#parts;
    const place = placement ? placing.placeFirstBy(placement) : placeFirst;
    return this.#startPlaced(request, place, patience);
  }

  /** Another node chose this one. */
  async serve({ payload, signal, deadline }: InboundMessage): Promise<StartReply> {
    const request = parseRequest(payload);
    if (request === undefined) throw noCandidate("?", "the request cannot be read");
    const { distribute, visible, former } = payload as Partial<StartRequest>;
    if (deadline !== undefined && deadline <= this.#wiring.clock.now()) throw tooLate(request);
    const learnt = this.#parts.specs.learn(request.identity, former);
    const asked = { ...request, distribute: distribute === true, visible: visible === true };
    return this.startHere(learnt ? { ...asked, former: learnt } : asked, true, signal);
  }

  /** Starts it on this node: for a caller here, or for another node that chose this one. */
  async startHere(
    request: StartRequest,
    published: boolean,
    signal: AbortSignal,
  ): Promise<StartReply> {
    const { identity } = request;
    for (let other = this.#underWay.get(identity); other; other = this.#underWay.get(identity)) {
      await other.catch(() => undefined);
    }
    this.#refuseTaken(identity);
    const release = request.distribute ? this.#reserveHere(request) : undefined;
    const start = this.#startAlone(request, published, signal);
    this.#underWay.set(identity, start);
    try {
      const reply = await start;
      if (request.visible) await this.#untilVisible(identity, signal);
      return reply;
    } finally {
      if (this.#underWay.get(identity) === start) this.#underWay.delete(identity);
      release?.();
    }
  }

  /** Counts the start from now on, so that the next one finds what this one leaves. */
  #reserveHere(request: StartRequest): () => void {
    const { placing } = this.#parts;
    placing.refuseHere(request);
    return placing.reserve(request, this.#wiring.membership.self);
  }

  async #startAlone(
    request: StartRequest,
    published: boolean,
    signal: AbortSignal,
  ): Promise<StartReply> {
    const { identity, distribute, restart, meta, args } = request;
    const { children } = this.#supervision;
    this.#refuseTaken(identity);
    const definition = this.#wiring.definitions.get(request.definition);
    if (definition === undefined) throw this.#undefinedHere(request.definition);
    if (this.#supervision.draining) {
      throw noCandidate(identity, "the node is draining and takes no new children");
    }
    const lease = await this.#permit(request, signal);
    const spec = distribute ? this.#firstSpec(request, lease) : undefined;
    let pid: Pid;
    try {
      pid = await children.start(
        { identity, definition, args, restart, meta, spec, published, lease },
        signal,
      );
    } catch (error) {
      if (lease !== undefined) await this.#parts.strong.release(identity);
      throw error;
    }
    if (spec !== undefined) await this.#commit(spec);
    return { pid, spec };
  }

  /** What the rules of the child ask of the cluster before it may start. */
  async #permit(request: StartRequest, signal: AbortSignal): Promise<ProcessLease | undefined> {
    const { guard, strong } = this.#parts;
    const { identity, definition, rules } = request;
    if (rules?.partition === "quorum") {
      await guard.require(identity);
      this.#refuseTaken(identity);
    }
    if (!isStrong(request)) return undefined;
    const wait = { timeoutMs: this.#wiring.limits.storeTimeoutMs, signal };
    const { clock, limits } = this.#wiring;
    for (;;) {
      const lease = await strong.acquire(identity, definition, wait);
      if (lease !== undefined) return lease;
      const holder = await strong.holder(identity, wait);
      if (holder !== undefined && this.#isRunBy(holder, identity)) {
        throw this.#taken(identity, holder, holder.definition);
      }
      // What a dead node or a start that gave up has left is free as soon as its lease is over; of one that runs, the spec comes.
      await clock.sleep(limits.storeRetryMs, { signal });
    }
  }

  /**
   * Whether who has the name runs its child. A start may have been given the name after it gave up, and its node may have
   * ended since: then nothing runs, and the name is free when the lease is over. Another node's child is known by its spec.
   */
  #isRunBy(holder: Owner, identity: string): boolean {
    const { self, membership } = this.#wiring;
    if (sameOwner(holder, self)) return this.#supervision.children.get(identity) !== undefined;
    const spec = this.#parts.specs.get(identity);
    const isSaid = spec?.state === "running" && sameOwner(spec.owner, holder);
    return isSaid && isMember(holder, membership);
  }

  #firstSpec(asked: StartRequest, lease: ProcessLease | undefined): ChildSpec {
    const { self } = this.#wiring;
    const request = requestOf(asked);
    const known = newest(this.#parts.specs.get(request.identity), asked.former);
    if (lease === undefined) return startSpec(request, self, known);
    return strongStart(request, self, known, lease.token);
  }

  async #untilVisible(target: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#visible(signal);
    } catch (cause) {
      throw coreErrors.ERR_OUTCOME_UNKNOWN(
        `"${target}" runs, but not every member knew of it in time`,
        { reason: "deadline-exceeded", target },
        cause,
      );
    }
  }

  /** Makes the spec known, or takes the start back when a greater one arrived meanwhile. */
  async #commit(spec: ChildSpec): Promise<void> {
    const { specs } = this.#parts;
    const { children } = this.#supervision;
    const { identity } = spec;
    try {
      specs.put(spec);
    } catch (error) {
      await children.end(identity, { type: "shutdown" });
      throw error;
    }
    const known = specs.get(identity);
    if (known === undefined || compareVersions(known, spec) <= 0) return this.#untilSent();
    this.#wiring.metrics.conflicts.add();
    await children.end(identity, { type: "name-conflict" });
    throw this.#taken(identity, known.owner, known.definition);
  }

  /** "Started" means that the others were sent the spec: the links write when the turn ends. */
  #untilSent(): Promise<void> {
    this.#parts.specs.flush();
    return new Promise((resolve) => this.#wiring.clock.endOfTurn(resolve));
  }

  async #startPlaced(request: StartRequest, place: Place, patience: Patience): Promise<Started> {
    const { identity } = request;
    const { placing, board } = this.#parts;
    let candidates = this.#candidates(request);
    let last: unknown;
    while (candidates.length > 0) {
      const target = place(identity, candidates, request);
      const member = candidates.find(({ id }) => id === target);
      if (member === undefined) break;
      const release = request.distribute ? placing.reserve(request, member) : undefined;
      try {
        return { identity, ...(await this.#startOn(member.id, request, patience)) };
      } catch (error) {
        if (!didNothing(error)) throw error;
        last = error;
        candidates = candidates.filter(({ id }) => id !== target);
      } finally {
        release?.();
      }
    }
    if (last !== undefined) throw last;
    const why = placing.explain(request, board.mayDefine);
    throw noCandidate(identity, why.length > 0 ? why : "the placement chose no candidate");
  }

  async #startOn(target: NodeId, request: StartRequest, patience: Patience): Promise<StartReply> {
    if (target === this.#wiring.self.node) {
      return this.startHere(request, true, patience.signal);
    }
    const route = { to: target, channel: CHANNEL, subject: START_SUBJECT, key: request.identity };
    const reply = (await this.#wiring.messenger.request(route, request, {
      timeoutMs: patience.remainingMs(),
      signal: patience.callerSignal,
    })) as Partial<StartReply> | undefined;
    const pid = parsePid(reply?.pid);
    if (pid === undefined) throw unreadable(request.identity);
    const spec = parseSpec(reply?.spec);
    this.#learn(request, pid, spec);
    return { pid, spec };
  }

  /** Keeps what the reply tells: the child is not lost if its node dies before others know of it. */
  #learn(request: StartRequest, pid: Pid, spec: ChildSpec | undefined): void {
    if (spec !== undefined) this.#parts.specs.put(spec);
    const { identity, definition, meta } = request;
    const { incarnation = 0, generation = 0 } = spec ?? {};
    const claimed = this.#parts.names.locate(identity);
    if (claimed !== undefined && sameOwner(claimed.pid, pid)) return;
    this.#parts.names.hint({ name: identity, pid, definition, meta, incarnation, generation });
    const known = this.#parts.specs.get(identity);
    if (known !== undefined) this.#parts.names.contradict(known);
  }

  #candidates(request: StartRequest): readonly Member[] {
    const members = this.#wiring.membership.members();
    const { takes, mayDefine } = this.#parts.board;
    const known = preferWell(candidatesFor(request, members, takes));
    if (known.length > 0) return known;
    // A node that has just joined is asked itself: it refuses, having done nothing, what it lacks.
    const possible = preferWell(candidatesFor(request, members, mayDefine));
    if (possible.length > 0) return possible;
    if (!members.some(({ id }) => mayDefine(id, request.definition))) {
      throw this.#undefinedAnywhere(request.definition);
    }
    throw noCandidate(request.identity, this.#parts.placing.explain(request, mayDefine));
  }

  /** @throws {ERR_NAME_TAKEN} */
  #refuseTaken(identity: string): void {
    const spec = this.#parts.specs.get(identity);
    const entry = this.#parts.names.locate(identity);
    if (spec?.state === "running") throw this.#taken(identity, spec.owner, spec.definition);
    if (entry !== undefined) throw this.#taken(identity, entry.pid, entry.definition);
    const child = this.#supervision.children.get(identity);
    if (child !== undefined) throw this.#taken(identity, this.#wiring.self, child.definition.name);
  }

  #taken(identity: string, owner: Owner, definition: string | undefined): FoundationError {
    const entry = this.#parts.names.locate(identity);
    const { node, boot } = owner;
    const serial = entry && sameOwner(entry.pid, owner) ? entry.pid.serial : undefined;
    const member = this.#wiring.membership.member(node)?.name ?? node;
    return registryErrors.ERR_NAME_TAKEN(
      `The name "${identity}" is taken by a process of node ${member}; use ` +
        'process(definition, name) to reach it, or start with { ifRunning: "return" }',
      { name: identity, holder: { node, boot, serial }, definition },
    );
  }

  #undefinedHere(definition: string): Error {
    const known = this.#wiring.definitions.names();
    return coreErrors.ERR_PROCESS_UNDEFINED(
      `This node defines no process ${show(definition)}; it defines ${known.join(", ") || "none"}`,
      { definition, known },
    );
  }

  #undefinedAnywhere(definition: string): Error {
    const known = this.#wiring.definitions.names();
    return coreErrors.ERR_PROCESS_UNDEFINED(
      `No node of the cluster defines a process ${show(definition)}: import the module that calls ` +
        `defineProcess; this node defines ${known.join(", ") || "none"}`,
      { definition, known },
    );
  }

  #generate(): string {
    const { random, self } = this.#wiring;
    const chance = [random.uint32(), random.uint32()];
    const text = chance.map((each) => each.toString(16).padStart(8, "0")).join("");
    return `${GENERATED}${self.node.slice(0, 8)}-${text}`;
  }
}

/** True for errors after which another candidate may be tried: the first one did nothing. */
function didNothing(error: unknown): boolean {
  return (
    isFoundationError(error, "ERR_NODE_UNREACHABLE") ||
    isFoundationError(error, "ERR_NO_CANDIDATE") ||
    isFoundationError(error, "ERR_UNKNOWN_SUBJECT") ||
    isFoundationError(error, "ERR_PROCESS_UNDEFINED")
  );
}

/** Of what is known here and what another node knows; a map remembers no end of what it never had. */
function newest(known: ChildSpec | undefined, told: ChildSpec | undefined): ChildSpec | undefined {
  if (known === undefined || told === undefined) return known ?? told;
  return compareVersions(known, told) < 0 ? told : known;
}

function requestOf(request: StartRequest): ChildRequest {
  const { identity, definition, args, restart, on, meta, rules } = request;
  const asked = { identity, definition, args, restart, on, meta };
  return rules === undefined ? asked : { ...asked, rules };
}

function tooLate({ identity }: ChildRequest): Error {
  return coreErrors.ERR_TIMEOUT(`Nobody waits for the start of "${identity}" any more`, {
    timeoutMs: 0,
    target: identity,
  });
}

function unreadable(target: string): Error {
  return coreErrors.ERR_OUTCOME_UNKNOWN(
    `The node that should start "${target}" answered in a form this version cannot read`,
    { reason: "connection-lost", target },
  );
}
