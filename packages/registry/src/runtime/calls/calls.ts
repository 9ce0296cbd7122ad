/**
 * Calls: from a reference to wherever its process is now.
 *
 * The location is looked up for every message. When the process turns out not to be there, nothing
 * ran, so the call looks up once more and, if the name has moved meanwhile, goes there within the
 * same deadline. Nothing else is ever sent twice: a call whose outcome is unknown says so.
 */
import { coreErrors, currentTrace, type Pid, type ProcessDefinition } from "@foundation/core";
import { registryErrors } from "../../errors.js";
import { LocalCalls, NotRun, noProcess, type CallRequest } from "./local-calls.js";
import { deliverOneWay, RemoteCalls } from "./remote-calls.js";
import type { Successors } from "./successors.js";
import { samePid, whenEnded } from "./waiting-calls.js";
import { copyOf, isLocal, type Wiring } from "../wiring.js";

/** Where a reference points: looked up anew for each message. */
export interface Target {
  /** For messages to people, and the key of its hints: the name, or the pid as text. */
  readonly title: string;
  /** Where it is now. @throws {ERR_DEFINITION_MISMATCH} */
  locate(): Pid | undefined;
  /** Why it is nowhere, for people. */
  why(): string;
  /** Why it cannot be reached from this side of a cut, where that is the reason. */
  refusal?(): Error | undefined;
  /** Called when a location proved stale, before `locate` is asked again. */
  stale(): void;
  /** Called with where a reply says that the process is now: a Successor, unchecked. */
  readonly moved?: (successor: unknown) => void;
}

/** Calls, casts and infos by reference. */
export class Calls {
  readonly #wiring: Wiring;
  readonly #local: LocalCalls;
  readonly #remote: RemoteCalls;
  #closed = false;

  constructor(wiring: Wiring, successors: Successors) {
    this.#wiring = wiring;
    this.#local = new LocalCalls(wiring);
    this.#remote = new RemoteCalls(wiring, successors);
  }

  /** Calls of this node to its own processes that wait for a reply. */
  get pending(): number {
    return this.#local.pending;
  }

  /**
   * Calls a handler of the target. Everything that can be wrong comes as a rejection. A call within this node, which is
   * most of them, is one promise; only those that go further or look again are followed by a function.
   */
  call(
    target: Target,
    definition: ProcessDefinition | undefined,
    handler: string,
    payload: unknown,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    try {
      const { title } = target;
      if (this.#closed) throw closed();
      if (signal?.aborted) throw abandoned(handler, title);
      const pid = target.locate();
      if (pid === undefined) throw target.refusal?.() ?? noProcess(title, target.why());
      const request: CallRequest = {
        target: title,
        definition: definition?.name,
        handler,
        payload,
        timeoutMs,
        signal,
        trace: currentTrace(),
        moved: target.moved,
      };
      const { clock, self } = this.#wiring;
      if (isLocal(pid, self)) {
        const first = this.#local.call(pid, request);
        return first instanceof NotRun
          ? this.#again(target, request, pid, clock.now(), first)
          : first;
      }
      const began = clock.now();
      return this.#remote.call(pid, request, (first) =>
        this.#again(target, request, pid, began, first),
      );
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Nothing ran at the first attempt: looks once more where the target is. */
  async #again(
    target: Target,
    request: CallRequest,
    pid: Pid,
    began: number,
    first: NotRun,
  ): Promise<unknown> {
    const { timeoutMs } = request;
    target.stale();
    if (first.moved !== undefined) target.moved?.(first.moved);
    const moved = target.locate();
    if (moved === undefined || samePid(moved, pid)) throw failureOf(first, target);
    const leftMs = timeoutMs - (this.#wiring.clock.now() - began);
    if (leftMs <= 0) throw failureOf(first, target);
    this.#wiring.metrics.retries.add();
    const second = await this.#attempt(moved, { ...request, timeoutMs: leftMs });
    if (!(second instanceof NotRun)) return second;
    throw failureOf(second, target);
  }

  /** Sends a cast or an info; what nobody takes is dropped and counted. @throws {ERR_NOT_ENCODABLE} */
  send(target: Target, type: "cast" | "info", handler: string, payload: unknown): void {
    if (this.#closed) throw closed();
    const pid = target.locate();
    if (pid === undefined) return this.#wiring.metrics.dropped.add();
    const { self, codec } = this.#wiring;
    if (!isLocal(pid, self)) return this.#remote.send(pid, type, handler, payload, currentTrace());
    const copy = copyOf(payload, codec);
    const trace = currentTrace();
    const outcome = deliverOneWay(this.#wiring, pid, type, handler, copy, self.node, trace);
    if (outcome !== "accepted") this.#wiring.metrics.dropped.add();
  }

  /**
   * Calls `then` when the calls of these processes that wait now have their answers, or are given up; false, and never, when
   * none waits. `then` runs before whoever awaits the last answer goes on.
   */
  whenAnswered(pids: readonly Pid[], then: () => void): boolean {
    if (pids.length === 0) return false;
    return whenEnded([...this.#local.to(pids), ...this.#remote.to(pids)], then);
  }

  close(): void {
    this.#closed = true;
    this.#local.close();
    this.#remote.close();
  }

  #attempt(pid: Pid, request: CallRequest): Promise<unknown> | NotRun {
    const local = isLocal(pid, this.#wiring.self);
    return local ? this.#local.call(pid, request) : this.#remote.call(pid, request);
  }
}

/** The error for a name that leads to a process of another definition. */
export function mismatch(name: string, expected: string, found: string): Error {
  return registryErrors.ERR_DEFINITION_MISMATCH(
    `The name "${name}" leads to a process defined as "${found}", not "${expected}"`,
    { name, expected, found },
  );
}

function failureOf({ error }: NotRun, target: Target): unknown {
  return target.refusal?.() ?? error ?? noProcess(target.title, target.why());
}

function abandoned(handler: string, title: string): Error {
  return coreErrors.ERR_ABORTED(`The caller gave up before ${handler} of ${title} was sent`, {
    target: title,
  });
}

function closed(): Error {
  return coreErrors.ERR_CLOSED("The registry is closed: it sends no more messages", {
    what: "registry",
  });
}
