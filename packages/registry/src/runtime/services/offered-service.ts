/**
 * OfferedService: one instance that this node offers: its record, its checks, and the requests it works on.
 *
 * A bulkhead keeps one busy service from taking the node: `concurrency` requests run, a bounded number waits, and what
 * finds no room is refused before anything ran, so that its caller may go elsewhere. A request whose caller's time ran
 * out while it waited is never begun.
 *
 * Invariants: an answer says whether the handler was called; nothing is called after `deregister` began.
 * Limits: `serviceConcurrency`, `serviceQueueMax`, `serviceGraceMs`.
 */
import {
  coreErrors,
  runWithTrace,
  toWireError,
  type CallOptions,
  type Clock,
  type InboundMessage,
  type Timer,
} from "@foundation/core";
import { BulkheadPolicy } from "#cockatiel";
import { registryErrors } from "../../errors.js";
import type { Health } from "../../protocol/services/health.js";
import { HealthJudge } from "../../protocol/services/health.js";
import { instanceId, type ServiceRecord } from "../../protocol/services/record.js";
import { noProcess } from "../calls/local-calls.js";
import type { Wiring } from "../wiring.js";
import { HealthChecks, type HealthWord } from "./health-checks.js";
import { checkRunning, checkUpdate, describe, type Description } from "./service-options.js";
import type {
  ServiceContext,
  ServiceDescription,
  ServiceHandle,
  ServiceOptions,
} from "./services.js";

/** Tags of an answer: the value, an error of the handler, an error that says that it was not called. */
export const VALUE = 0;
export const FAILED = 1;
export const REFUSED = 2;

/** Characters of a check's note that are kept: an error's message may be as long as it likes. */
const NOTE_MAX = 500;

export type ServiceAnswer = readonly [tag: number, body?: unknown];

/** What becomes known of an instance. */
export interface OfferEvents {
  /** Its record is to be told to all. */
  changed(record: ServiceRecord): void;
  /** It is to be forgotten. */
  ended(): void;
}

type Handle = NonNullable<ServiceOptions["handle"]>;

export class OfferedService implements ServiceHandle {
  readonly service: string;
  readonly id: string;
  readonly #wiring: Wiring;
  readonly #events: OfferEvents;
  readonly #options: ServiceOptions;
  readonly #handle: Handle | undefined;
  readonly #bulkhead: InstanceType<typeof BulkheadPolicy>;
  readonly #concurrency: number;
  readonly #judge: HealthJudge;
  readonly #checks: HealthChecks | undefined;
  #description: Description;
  #note: string | undefined;
  #underWay = 0;
  #ending: Promise<void> | undefined;
  #idle: () => void = () => undefined;

  /** @throws {ERR_INVALID_ARGUMENT} @throws {ERR_NOT_ENCODABLE} @throws {ERR_NO_PROCESS} */
  constructor(
    wiring: Wiring,
    service: string,
    serial: number,
    options: ServiceOptions,
    events: OfferEvents,
  ) {
    const running = checkRunning(options, wiring.limits);
    this.service = service;
    this.id = instanceId(wiring.self.node, wiring.self.boot, serial);
    this.#wiring = wiring;
    this.#events = events;
    this.#options = options;
    this.#description = describe(options, undefined, wiring);
    this.#concurrency = running.concurrency;
    this.#bulkhead = new BulkheadPolicy(running.concurrency, wiring.limits.serviceQueueMax);
    this.#judge = new HealthJudge(running);
    this.#handle = options.handle ?? (options.process && callOf(options.process, wiring.clock));
    const ref = options.process?.ref;
    const check = options.health ?? (ref && (() => ref.whereis() !== undefined));
    if (check === undefined) this.#judge.judge(true);
    this.#tell();
    const tell = (word: HealthWord): void => this.#checked(word);
    this.#checks = check && new HealthChecks(wiring, running, check, tell);
  }

  get health(): Health {
    return this.#judge.health;
  }

  get underWay(): number {
    return this.#underWay;
  }

  update(description: ServiceDescription): void {
    if (this.#ending !== undefined) {
      throw coreErrors.ERR_CLOSED(`This instance of "${this.service}" was deregistered`, {
        what: this.service,
      });
    }
    checkUpdate(description);
    const known = this.#description;
    this.#description = describe(description, known, this.#wiring);
    try {
      this.#tell();
    } catch (error) {
      this.#description = known;
      throw error;
    }
  }

  deregister(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.deregister();
  }

  /** Ends it without waiting for what it works on. */
  drop(): void {
    this.#ending ??= Promise.resolve();
    this.#checks?.close();
    this.#idle();
  }

  /** Works on a request, or refuses it. Never rejects. */
  async serve(request: unknown, message: InboundMessage): Promise<ServiceAnswer> {
    const handle = this.#handle;
    if (handle === undefined || this.#ending !== undefined) return gone(this.service);
    let wasCalled = false;
    this.#underWay += 1;
    try {
      const value = await this.#bulkhead.execute(() => {
        const refusal = this.#refusalOf(message);
        if (refusal !== undefined) throw refusal;
        wasCalled = true;
        return runWithTrace(message.trace, () => handle(request, this.#contextOf(message)));
      });
      return [VALUE, value];
    } catch (error) {
      if (wasCalled) return [FAILED, toWireError(error)];
      return [REFUSED, toWireError(error instanceof Refusal ? error.reason : this.#full())];
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#idle();
    }
  }

  /** A request that waited may have nobody any more who waits for it, and nobody to work on it. */
  #refusalOf({ deadline }: InboundMessage): Refusal | undefined {
    const { clock } = this.#wiring;
    if (this.#ending !== undefined) return new Refusal(goneError(this.service));
    const ref = this.#options.process?.ref;
    if (ref !== undefined && ref.whereis() === undefined) {
      return new Refusal(noProcess(ref.name ?? this.service));
    }
    if (deadline === undefined || clock.now() < deadline) return undefined;
    const text = `The request to "${this.service}" waited until its time was over; it did not run`;
    return new Refusal(coreErrors.ERR_TIMEOUT(text, { timeoutMs: 0, target: this.service }));
  }

  #contextOf(message: InboundMessage): ServiceContext {
    const { from, deadline, trace } = message;
    return {
      service: this.service,
      from,
      deadline,
      trace,
      // Made only when a handler asks for it: most never do.
      get signal() {
        return message.signal;
      },
    };
  }

  #full(): Error {
    const { serviceQueueMax } = this.#wiring.limits;
    return registryErrors.ERR_BULKHEAD_FULL(
      `An instance of "${this.service}" works on ${this.#concurrency} requests (concurrency) and ` +
        `${serviceQueueMax} wait (limits.serviceQueueMax); this one did not run`,
      { service: this.service, limit: this.#concurrency, where: "instance" },
    );
  }

  #checked({ healthy, note }: HealthWord): void {
    const changed = this.#judge.judge(healthy);
    const last = healthy && this.health === "healthy" ? note : (note ?? this.#note);
    const said = last?.slice(0, NOTE_MAX);
    if (!changed && said === this.#note) return;
    this.#note = said;
    try {
      this.#tell();
    } catch (error) {
      this.#tellWithoutNote(error);
    }
  }

  /** Whether it is well matters more than why; and nobody is there to be told that it could not be said. */
  #tellWithoutNote(error: unknown): void {
    const { logger } = this.#wiring;
    logger.warn(`The health of "${this.service}" was refused by its store`, { error });
    this.#note = undefined;
    try {
      this.#tell();
    } catch (again) {
      logger.error(`The health of "${this.service}" could not be told`, { error: again });
    }
  }

  #tell(): void {
    this.#events.changed({
      ...this.#description,
      health: this.health,
      note: this.#note,
      takesRequests: this.#handle !== undefined,
      idempotent: this.#options.idempotent === true,
    });
  }

  async #end(): Promise<void> {
    this.#checks?.close();
    this.#events.ended();
    if (this.#underWay === 0) return;
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      timer = this.#wiring.clock.setTimer(this.#wiring.limits.serviceGraceMs, resolve);
    });
    timer?.cancel();
  }
}

/** Thrown into the bulkhead only, to tell it from what a handler throws. */
class Refusal {
  readonly reason: Error;

  constructor(reason: Error) {
    this.reason = reason;
  }
}

/** The answer for an instance that is not, or no longer, offered. */
export function gone(service: string): ServiceAnswer {
  return [REFUSED, toWireError(goneError(service))];
}

function goneError(service: string): Error {
  const reason = "it was deregistered";
  return registryErrors.ERR_NO_INSTANCE(
    `That instance of "${service}" is not offered any more: ${reason}; nothing ran`,
    { service, reason },
  );
}

/** Requests as calls of a process, with the time that is left of them. */
function callOf({ ref, handler }: NonNullable<ServiceOptions["process"]>, clock: Clock): Handle {
  const call = ref.call.bind(ref) as unknown as (
    handler: string,
    payload: unknown,
    options: CallOptions,
  ) => Promise<unknown>;
  return (request, { signal, deadline }) => {
    const timeout = deadline === undefined ? undefined : Math.max(1, deadline - clock.now());
    return call(handler, request, timeout === undefined ? { signal } : { signal, timeout });
  };
}
