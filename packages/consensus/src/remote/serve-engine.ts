/**
 * serveEngine: a member of a group answers nodes that are none.
 *
 * A group has few voters and a cluster many nodes. Those that are no members ask one: what changes something is proposed
 * here as they would propose it themselves, within their own session, so it may be asked again at another member and
 * takes effect once; what reads is read here; a watch is asked for again and again from where it stood (it keeps nothing
 * here), so it goes on at another member when this one dies.
 */
import { defaultRuntime, type InboundMessage, type Messenger } from "@foundation/core";
import type { Clock } from "@foundation/core/ports";
import type { KeyRange, Revision, Watch, WatchBatch } from "../engine/engine.js";
import { consensusErrors } from "../errors.js";
import type { Group } from "../group/group.js";
import type { StoreResponse } from "../protocol/store/replicated-store.js";
import { parseRequest } from "../protocol/store/request-codec.js";
import { refusalError } from "../store/engine-errors.js";
import type { GroupEngine } from "../store/group-engine.js";
import { copyOfResponse } from "../store/outward.js";
import type { StoreMachine } from "../store/store-machine.js";
import { REMOTE_LIMITS, REMOTE_TIMES } from "./limits.js";
import {
  beginOf,
  bytesOf,
  notUnderstood,
  subjectOf,
  type PollAnswer,
  type Welcome,
} from "./words.js";

export interface ServeEngineOptions {
  readonly messenger: Pick<Messenger, "handle">;
  /** The same on every member, and for every client: the group's name. */
  readonly name: string;
  readonly group: Pick<Group<StoreResponse>, "propose">;
  readonly machine: StoreMachine;
  readonly engine: GroupEngine;
  /** @default the surrounding simulation's, else Node's */
  readonly clock?: Clock | undefined;
}

/** Answers clients from now on. Returns the function that ends it. */
export function serveEngine(options: ServeEngineOptions): () => void {
  const service = new EngineService(options);
  const { messenger, name } = options;
  const ends = [
    messenger.handle(subjectOf(name, "hello"), () => service.hello()),
    messenger.handle(subjectOf(name, "propose"), (message) => service.propose(message)),
    messenger.handle(subjectOf(name, "read"), (message) => service.read(message)),
    messenger.handle(subjectOf(name, "begin"), (message) => service.begin(message)),
    messenger.handle(subjectOf(name, "poll"), (message) => service.poll(message)),
  ];
  return () => {
    for (const end of ends) end();
  };
}

interface Collected {
  readonly batches: readonly WatchBatch[];
  readonly told: Revision;
}

class EngineService {
  readonly #group: ServeEngineOptions["group"];
  readonly #machine: StoreMachine;
  readonly #engine: GroupEngine;
  readonly #clock: Clock;
  #polls = 0;

  constructor({ group, machine, engine, clock }: ServeEngineOptions) {
    this.#group = group;
    this.#machine = machine;
    this.#engine = engine;
    this.#clock = clock ?? defaultRuntime().clock;
  }

  hello(): Welcome {
    const { limits } = this.#machine.store;
    return { limits, responsesMax: this.#machine.sessionLimits.responsesMax };
  }

  async propose(message: InboundMessage): Promise<StoreResponse> {
    const data = bytesOf(message.payload);
    const { response } = await this.#group.propose(data, this.#optionsOf(message));
    return copyOfResponse(response);
  }

  async read(message: InboundMessage): Promise<unknown> {
    const request = parseRequest(bytesOf(message.payload));
    if ("reason" in request) throw refusalError(request);
    if (request.type !== "txn") throw notUnderstood("a request that reads");
    return await this.#engine.txn(request.transaction, this.#optionsOf(message));
  }

  /** Where a watch begins: the first revision it will give. */
  async begin(message: InboundMessage): Promise<Revision> {
    const { range, from } = beginOf(message.payload);
    await using watch = this.#open(range, from, message.signal);
    return await watch.ready();
  }

  /** The changes from a revision on, or after a while that there were none. */
  async poll(message: InboundMessage): Promise<PollAnswer> {
    const { range, from = 1 } = beginOf(message.payload);
    const { pollsMax: max } = REMOTE_LIMITS;
    if (this.#polls >= max) {
      throw consensusErrors.ERR_ENGINE_FULL(
        `This member answers ${max} watches of other nodes already; ask another member`,
        { what: "watches of other nodes", limit: "pollsMax", max },
      );
    }
    this.#polls += 1;
    try {
      await using watch = this.#open(range, from, message.signal);
      const { batches, told } = await this.#collect(watch);
      const last = batches.at(-1)?.revision ?? told;
      return { batches, next: Math.max(from, last + 1) };
    } finally {
      this.#polls -= 1;
    }
  }

  #open(range: KeyRange, from: Revision | undefined, signal: AbortSignal): Watch {
    return this.#engine.watch(range, { signal, ...(from === undefined ? {} : { from }) });
  }

  /**
   * Waits for the first batch; takes with it those that are there, too.
   *
   * @returns also the revision up to which the watch has told all, when it gave nothing
   */
  async #collect(watch: Watch): Promise<Collected> {
    const iterator = watch[Symbol.asyncIterator]();
    const batches: WatchBatch[] = [];
    let told = 0;
    for (let waitMs: number = REMOTE_TIMES.pollMs; batches.length < REMOTE_LIMITS.batchesMax; ) {
      const next = iterator.next();
      let batch = await this.#within(next, waitMs);
      if (batch === undefined && batches.length === 0) {
        // A change that came in this very moment is given in this turn, and all up to here has been.
        told = this.#machine.store.revision;
        batch = await this.#within(next, 0);
      }
      if (batch === undefined || batch.done === true) break;
      batches.push(batch.value);
      waitMs = 0;
    }
    return { batches, told };
  }

  /** Undefined when it takes longer. */
  async #within<T>(promise: Promise<T>, waitMs: number): Promise<T | undefined> {
    let timeUp = () => {};
    const late = new Promise<undefined>((resolve) => {
      timeUp = () => resolve(undefined);
    });
    const timer = this.#clock.setTimer(waitMs, timeUp);
    // Nobody hears of it when the watch is closed under a read that came too late.
    promise.catch(() => undefined);
    try {
      return await Promise.race([promise, late]);
    } finally {
      timer.cancel();
    }
  }

  #optionsOf({ deadline, signal }: InboundMessage) {
    const timeout = deadline === undefined ? undefined : Math.max(1, deadline - this.#clock.now());
    return { signal, ...(timeout === undefined ? {} : { timeout }) };
  }
}
