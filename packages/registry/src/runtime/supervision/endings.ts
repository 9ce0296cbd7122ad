/**
 * Endings: stopping a child for good, and handing the children of a leaving node over.
 *
 * A stop is a spec that outranks every takeover of its incarnation, written where the stop was
 * asked for, so that it holds even when the owner cannot be reached. A drain moves each child with
 * its state. One that cannot be moved is ended first, and only then another node is asked to take it
 * over: two instances never overlap on purpose.
 */
import { isFoundationError, type InboundMessage, type NodeId, type Pid } from "@foundation/core";
import { candidatesFor } from "../../protocol/candidates.js";
import {
  compareVersions,
  sameOwner,
  stoppedSpec,
  type ChildSpec,
} from "../../protocol/child-spec.js";
import { parseSpec } from "../../protocol/parse-spec.js";
import { parsePid } from "../calls/foundation-errors.js";
import { Evacuation } from "../migration/evacuation.js";
import { noProcess } from "../calls/local-calls.js";
import type { Patience } from "../patience.js";
import type { Supervision, SupervisionParts } from "./supervision.js";
import { CHANNEL, isLocal, isMember, somebodyStays, type Wiring } from "../wiring.js";
import { registryErrors } from "../../errors.js";

const STOP = "registry.stop";
const ADOPT = "registry.adopt";

/** Identities that one log line names. */
const SHOWN_MAX = 10;

/** Stops and hand-overs. */
export class Endings {
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #supervision: Supervision;
  readonly #evacuation: Evacuation;
  readonly #stops: (() => void)[];

  /** `visible` resolves when every member knows the names of this node. */
  constructor(
    wiring: Wiring,
    parts: SupervisionParts,
    supervision: Supervision,
    visible: (signal: AbortSignal) => Promise<void>,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.#evacuation = new Evacuation(wiring, parts, supervision, visible);
    this.#stops = [
      wiring.messenger.handle(STOP, (message) => this.#onStop(message)),
      wiring.messenger.handle(ADOPT, ({ payload }) => this.#onAdopt(payload)),
    ];
  }

  /**
   * Stops what runs under the identity, or the very process when it has none.
   * @throws {ERR_NO_PROCESS} nothing runs there
   */
  async stop(
    identity: string | undefined,
    pid: Pid | undefined,
    patience: Patience,
  ): Promise<void> {
    const spec = identity === undefined ? undefined : this.#parts.specs.get(identity);
    if (spec !== undefined && spec.state !== "stopped") {
      this.#parts.specs.put(stoppedSpec(spec));
      const owner = isMember(spec.owner, this.#wiring.membership) ? spec.owner : undefined;
      if (owner !== undefined) await this.#stopAt(owner.node, identity, pid, patience);
      return;
    }
    if (pid === undefined) throw noProcess(identity ?? "?");
    await this.#stopAt(pid.node, identity, pid, patience);
  }

  /** Hands the distributed children of this node over, some at once, and resolves when it may leave. */
  async drain(patience: Patience): Promise<void> {
    this.#supervision.beginDrain();
    await this.#handAllOver(patience);
    await this.#evacuation.finish(patience);
    // What was on its way here when the drain began has come by now, or never will.
    if (!patience.signal.aborted) await this.#handAllOver(patience);
  }

  async #handAllOver(patience: Patience): Promise<void> {
    const { children } = this.#supervision;
    const waiting = children
      .all()
      .flatMap(({ spec, phase }) => (spec === undefined || phase === "passive" ? [] : [spec]));
    const worker = async () => {
      for (let spec = waiting.pop(); spec !== undefined; spec = waiting.pop()) {
        if (patience.signal.aborted) return waiting.push(spec);
        const { identity } = spec;
        if (await this.#evacuation.move(identity, patience)) continue;
        if (!(await this.#handOver(identity, patience))) homeless.push(identity);
      }
      return waiting.length;
    };
    const homeless: string[] = [];
    const workers = Math.min(this.#wiring.limits.startsAtOnceMax, waiting.length);
    await Promise.all(Array.from({ length: workers }, worker));
    if (homeless.length > 0) this.#tellHomeless(homeless);
    if (waiting.length === 0) return;
    this.#wiring.logger.warn("No time was left to hand every child over", {
      left: waiting.length,
      timeoutMs: patience.timeoutMs,
    });
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#evacuation.close();
  }

  /** Where the whole cluster leaves, nobody is there to take a child, and nothing is wrong. */
  #tellHomeless(identities: readonly string[]): void {
    const { logger } = this.#wiring;
    const fields = { count: identities.length, identities: identities.slice(0, SHOWN_MAX) };
    if (somebodyStays(this.#wiring)) {
      logger.warn("Children found no new node; they start again when one can take them", fields);
    } else logger.debug("No other node stays that could take the children over", fields);
  }

  async #stopAt(
    node: NodeId,
    identity: string | undefined,
    pid: Pid | undefined,
    patience: Patience,
  ): Promise<void> {
    if (node === this.#wiring.self.node) return this.#stopHere(identity, pid);
    const route = { to: node, channel: CHANNEL, subject: STOP };
    try {
      await this.#wiring.messenger.request(route, [identity, pid], {
        timeoutMs: patience.remainingMs(),
        signal: patience.callerSignal,
      });
    } catch (error) {
      // The stopped spec is written: what cannot be reached now ends when it hears of it.
      const known = identity === undefined ? undefined : this.#parts.specs.get(identity);
      if (known?.state !== "stopped" || !isFoundationError(error, "ERR_NODE_UNREACHABLE"))
        throw error;
    }
  }

  async #stopHere(asked: string | undefined, pid: Pid | undefined): Promise<void> {
    const { children } = this.#supervision;
    // A name given by hand leads to the child by its pid: the child has an identity of its own.
    const byName = asked === undefined ? undefined : children.get(asked);
    const child = byName ?? (pid && children.byPid(pid));
    const identity = child?.identity ?? asked;
    const spec = identity === undefined ? undefined : this.#parts.specs.get(identity);
    if (spec !== undefined && spec.state !== "stopped") this.#parts.specs.put(stoppedSpec(spec));
    if (child !== undefined) return children.end(child.identity, { type: "shutdown" });
    if (pid !== undefined && isLocal(pid, this.#wiring.self)) await this.#exit(pid);
  }

  /** A process that no child stands for: registered by hand. */
  #exit(pid: Pid): Promise<void> {
    const { kernel, clock, limits } = this.#wiring;
    return new Promise((resolve) => {
      const timer = clock.setTimer(limits.stopGraceMs, () => kernel.exit(pid, { type: "killed" }));
      kernel.monitor(pid, () => {
        timer.cancel();
        resolve();
      });
      kernel.exit(pid, { type: "shutdown" });
    });
  }

  async #onStop({ payload }: InboundMessage): Promise<void> {
    if (!Array.isArray(payload)) return;
    const identity = typeof payload[0] === "string" ? payload[0] : undefined;
    await this.#stopHere(identity, parsePid(payload[1]));
  }

  /** False when it shall go on elsewhere and nobody took it. */
  async #handOver(identity: string, patience: Patience): Promise<boolean> {
    const { specs, board, place } = this.#parts;
    const { self, membership } = this.#wiring;
    await this.#supervision.children.end(identity, { type: "shutdown" });
    await this.#parts.strong.released(identity, patience.signal);
    const spec = specs.get(identity);
    if (spec?.state !== "running" || !sameOwner(spec.owner, self)) return true;
    if (spec.restart === "temporary") {
      specs.put(stoppedSpec(spec));
      return true;
    }
    const others = membership.members().filter(({ id }) => id !== self.node);
    let candidates = candidatesFor(spec, others, board.takes);
    while (candidates.length > 0 && !patience.signal.aborted) {
      const target = place(identity, candidates, spec);
      if (target === undefined) break;
      if (await this.#ask(target, spec, patience)) return true;
      candidates = candidates.filter(({ id }) => id !== target);
    }
    return false;
  }

  async #ask(target: NodeId, spec: ChildSpec, patience: Patience): Promise<boolean> {
    const route = { to: target, channel: CHANNEL, subject: ADOPT };
    try {
      const reply = await this.#wiring.messenger.request(route, spec, {
        timeoutMs: patience.remainingMs(),
        signal: patience.callerSignal,
      });
      const taken = parseSpec(reply);
      if (taken === undefined) return false;
      this.#parts.specs.put(taken);
      return true;
    } catch (error) {
      this.#wiring.logger.debug("A node did not take a child over", { target, error });
      return false;
    }
  }

  async #onAdopt(payload: unknown): Promise<ChildSpec> {
    const offered = parseSpec(payload);
    const { specs } = this.#parts;
    const definition = offered && this.#wiring.definitions.get(offered.definition);
    if (offered === undefined || definition === undefined || this.#supervision.draining) {
      throw registryErrors.ERR_NO_CANDIDATE("This node cannot take the child over", {
        name: offered?.identity ?? "?",
        reason: "it is draining, or does not define the process",
      });
    }
    const known = specs.get(offered.identity);
    if (known !== undefined && compareVersions(known, offered) > 0) return known;
    return this.#supervision.takeOver(offered);
  }
}
