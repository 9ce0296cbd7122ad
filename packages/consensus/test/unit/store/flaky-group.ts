/**
 * A group that answers as its test says: what is applied, what is lost, and what nobody learns of.
 *
 * One log, and a machine for each member, which follows it with a delay of its own.
 */
import { coreErrors, type NodeId } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import { consensusErrors } from "../../../src/errors.js";
import type { GroupRequestOptions, GroupStatus, Proposed } from "../../../src/group/group.js";
import { parseCommand } from "../../../src/protocol/store/command.js";
import type { StoreResponse } from "../../../src/protocol/store/replicated-store.js";
import {
  createGroupEngine,
  type EngineGroup,
  type GroupEngine,
} from "../../../src/store/group-engine.js";
import {
  createStoreMachine,
  type StoreMachine,
  type StoreMachineOptions,
} from "../../../src/store/store-machine.js";

/** What becomes of a proposal. Only `applied` and `refused` are learnt of. */
export type Fate =
  | "applied"
  | "refused"
  | "full"
  | "unknown-applied"
  | "unknown-late"
  | "unknown-lost";

interface Entry {
  readonly timeMs: number;
  readonly data: Uint8Array;
}

export class FlakyGroup {
  readonly clock = virtualClock();
  readonly log: Entry[] = [];
  readonly members: FlakyMember[] = [];
  /** Of each proposal, in their order. */
  fate: (data: Uint8Array) => Fate = () => "applied";
  /** How long until something happens, milliseconds. */
  delayMs: () => number = () => 1;

  member(options: StoreMachineOptions = {}): FlakyMember {
    const member = new FlakyMember(this, createStoreMachine(options));
    this.members.push(member);
    return member;
  }

  append(data: Uint8Array): number {
    this.log.push({ timeMs: this.clock.now(), data });
    return this.log.length;
  }

  /** The kinds of commands in the log, in order. */
  get kinds(): string[] {
    return this.log.map(({ data }) => {
      if (data.length === 0) return "tick";
      const command = parseCommand(data);
      if ("reason" in command) return command.reason;
      return "request" in command ? `${command.type} ${command.request.type}` : command.type;
    });
  }
}

export class FlakyMember implements EngineGroup {
  readonly machine: StoreMachine;
  reads = 0;
  failure: Error | undefined;
  readonly #group: FlakyGroup;
  readonly #responses: StoreResponse[] = [];
  #wake: (() => void)[] = [];

  constructor(group: FlakyGroup, machine: StoreMachine) {
    this.#group = group;
    this.machine = machine;
  }

  engine(): GroupEngine {
    return createGroupEngine({ group: this, machine: this.machine, clock: this.#group.clock });
  }

  async propose(
    data: Uint8Array,
    options: GroupRequestOptions = {},
  ): Promise<Proposed<StoreResponse>> {
    const { clock } = this.#group;
    const fate = this.#group.fate(data);
    await clock.sleep(this.#group.delayMs());
    switch (fate) {
      case "refused":
        throw consensusErrors.ERR_NO_QUORUM("nobody leads", { group: "flaky", waitedMs: 1 });
      case "full":
        throw coreErrors.ERR_QUEUE_FULL("full", { queue: "flaky", limit: 1, unit: "messages" });
      case "unknown-lost":
        throw unknown();
      case "unknown-late":
        clock.setTimer(10 * this.#group.delayMs(), () => this.#group.append(data));
        throw unknown();
      case "unknown-applied":
        this.#group.append(data);
        throw unknown();
      case "applied": {
        const index = this.#group.append(data);
        if (options.signal?.aborted) throw unknown();
        await this.follow(index);
        return { index, response: this.#responses[index] as StoreResponse };
      }
      default:
        return fate satisfies never;
    }
  }

  async read(options: GroupRequestOptions = {}): Promise<number> {
    this.reads += 1;
    const index = this.#group.log.length;
    await this.#group.clock.sleep(this.#group.delayMs(), { signal: options.signal });
    await this.follow(index);
    return index;
  }

  async *watchStatus({
    signal,
  }: {
    signal?: AbortSignal | undefined;
  } = {}): AsyncGenerator<GroupStatus> {
    while (signal?.aborted !== true) {
      const { failure } = this;
      yield {
        role: "leader",
        term: 1,
        leader: "flaky" as NodeId,
        configuration: { voters: [], learners: [] } as unknown as GroupStatus["configuration"],
        appliedIndex: this.#responses.length,
        logTimeMs: 0,
        failure,
      };
      if (failure) return;
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
        signal?.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  fail(error: Error): void {
    this.failure = error;
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Applies the log up to an index. */
  async follow(index: number): Promise<void> {
    for (;;) {
      const next = Math.max(1, this.#responses.length);
      if (next > index) return;
      const entry = this.#group.log[next - 1];
      if (!entry) return;
      this.#responses[next] = this.machine.apply(next, entry.timeMs, entry.data);
      if (this.#group.delayMs() > 3) await this.#group.clock.sleep(1);
    }
  }

  /** Begins anew from another member's snapshot. */
  async restore(from: FlakyMember): Promise<void> {
    if (from.#responses.length <= this.#responses.length) return;
    const frames = from.machine.snapshot();
    const responses = [...from.#responses];
    await this.machine.restore(
      (async function* () {
        yield* frames;
      })(),
    );
    this.#responses.splice(0, this.#responses.length, ...responses);
  }
}

function unknown(): Error {
  return coreErrors.ERR_OUTCOME_UNKNOWN("nobody knows", {
    reason: "connection-lost",
    target: "flaky",
  });
}
