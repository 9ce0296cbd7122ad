/**
 * Visibility: lets an owner wait until every member has its writes.
 *
 * The owner asks each member for its shard up to a sequence; the member answers when it is there,
 * and pulls it when it is not. A member without this store has nobody to read it and counts as
 * having it, for as long as it has none. That it has the shard is remembered, so asking again costs
 * nothing while nothing is written.
 */
import { coreErrors, isBoot, isFoundationError, isNodeId } from "@foundation/core";
import type { Boot, InboundMessage, Member, NodeId } from "@foundation/core";
import { PROBE_PAUSE_MS, PROBE_TIMEOUT_MS } from "../limits.js";
import type { ResolvedPorts } from "./replication.js";
import { within } from "./within.js";

/** What the store tells about itself. */
export interface VisibilitySource {
  /** How far the shard of that boot has arrived here. */
  sequenceOf(owner: NodeId, boot: Boot): number | undefined;
  /** Somebody waits for it: pull it. */
  catchUp(owner: NodeId, boot: Boot, sequence: number): void;
}

interface Waiter {
  readonly boot: Boot;
  readonly sequence: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** What a member says: it has the shard, it has no such store, or nothing. */
type Answer = "has" | "storeless" | "none";

interface Probe {
  readonly sequence: number;
  readonly answer: Promise<Answer>;
}

export class Visibility {
  readonly #subject: string;
  readonly #ports: ResolvedPorts;
  readonly #source: VisibilitySource;
  readonly #waitersMax: number;
  readonly #waiters = new Map<NodeId, Set<Waiter>>();
  readonly #known = new Map<NodeId, { readonly boot: Boot; readonly sequence: number }>();
  readonly #probes = new Map<NodeId, Probe>();
  readonly #end: () => void;
  readonly #closing = new AbortController();
  #waiting = 0;

  constructor(subject: string, ports: ResolvedPorts, source: VisibilitySource, waitersMax: number) {
    this.#subject = `${subject}.visible`;
    this.#ports = ports;
    this.#source = source;
    this.#waitersMax = waitersMax;
    this.#end = ports.messenger.handle(this.#subject, (message) => this.#answer(message));
  }

  /** A shard has moved on: answers whom it concerns. */
  progress(owner: NodeId): void {
    const waiters = this.#waiters.get(owner);
    if (waiters === undefined) return;
    for (const waiter of waiters) {
      const sequence = this.#source.sequenceOf(owner, waiter.boot);
      if (sequence !== undefined && sequence >= waiter.sequence) waiter.resolve();
    }
  }

  /** The node is gone: what it answered counts no more. */
  forget(id: NodeId): void {
    this.#known.delete(id);
  }

  /**
   * Resolves when every current member has our shard up to `sequence`.
   * @throws {ERR_TIMEOUT} naming who has not. @throws {ERR_ABORTED} @throws {ERR_CLOSED}
   */
  async wait(
    sequence: number,
    options: { readonly signal?: AbortSignal | undefined; readonly timeoutMs: number },
  ): Promise<void> {
    const { clock } = this.#ports.runtime;
    const deadline = clock.now() + options.timeoutMs;
    const signals = [this.#closing.signal, options.signal];
    const storeless = new Set<Boot>();
    for (;;) {
      if (this.#closing.signal.aborted) throw this.#closed();
      if (options.signal?.aborted === true) throw this.#aborted();
      const missing = this.#missing(sequence).filter(({ boot }) => !storeless.has(boot));
      if (missing.length === 0) return;
      const leftMs = deadline - clock.now();
      if (leftMs <= 0) throw this.#timedOut(missing, options.timeoutMs);
      const probing = Promise.all(missing.map(({ id, boot }) => this.#probe(id, boot, sequence)));
      // A probe may take longer than this caller's patience; it goes on for whoever else waits.
      const answers = await within(clock, probing, leftMs, signals);
      if (answers === undefined) continue;
      missing.forEach(({ boot }, at) => {
        if (answers[at] === "storeless") storeless.add(boot);
      });
      if (!answers.includes("none")) continue;
      const pauseMs = Math.min(PROBE_PAUSE_MS, Math.max(0, deadline - clock.now()));
      await within(clock, new Promise<never>(() => undefined), pauseMs, signals);
    }
  }

  close(): void {
    this.#end();
    this.#closing.abort();
    for (const waiters of this.#waiters.values()) {
      for (const waiter of waiters) waiter.reject(this.#closed());
    }
  }

  #missing(sequence: number): Member[] {
    const { membership } = this.#ports;
    return membership.members().filter(({ id, boot }) => {
      if (id === membership.self.id) return false;
      const known = this.#known.get(id);
      return known === undefined || known.boot !== boot || known.sequence < sequence;
    });
  }

  #probe(to: NodeId, toBoot: Boot, sequence: number): Promise<Answer> {
    const running = this.#probes.get(to);
    if (running !== undefined && running.sequence >= sequence) return running.answer;
    const { id: owner, boot } = this.#ports.membership.self;
    const route = { to, channel: "state", subject: this.#subject };
    const answer = this.#ports.messenger
      .request(route, { owner, boot, sequence }, { timeoutMs: PROBE_TIMEOUT_MS })
      .then(
        (): Answer => "has",
        (error: unknown): Answer =>
          isFoundationError(error, "ERR_UNKNOWN_SUBJECT") ? "storeless" : "none",
      )
      .then((said) => {
        if (this.#probes.get(to)?.answer === answer) this.#probes.delete(to);
        const known = this.#known.get(to);
        const isNews = known === undefined || known.boot !== toBoot || known.sequence < sequence;
        if (said === "has" && isNews) this.#known.set(to, { boot: toBoot, sequence });
        return said;
      });
    this.#probes.set(to, { sequence, answer });
    return answer;
  }

  #answer(message: InboundMessage): Promise<true> | true {
    const { owner, boot, sequence } = (message.payload ?? {}) as Readonly<Record<string, unknown>>;
    if (!isNodeId(owner) || !isBoot(boot) || typeof sequence !== "number") {
      throw coreErrors.ERR_INVALID_ARGUMENT(
        `${this.#subject}: a probe must have owner, boot and sequence; it came from ${message.from}`,
        { argument: "probe", expected: "owner, boot, sequence", found: typeof message.payload },
      );
    }
    const has = this.#source.sequenceOf(owner, boot);
    if (has !== undefined && has >= sequence) return true;
    if (this.#waiting >= this.#waitersMax) {
      throw coreErrors.ERR_QUEUE_FULL(
        `${this.#subject}: ${this.#waitersMax} nodes wait here already; ask again later`,
        { queue: this.#subject, limit: this.#waitersMax, unit: "messages" },
      );
    }
    const answer = this.#waitFor(owner, { boot, sequence }, message.signal);
    this.#source.catchUp(owner, boot, sequence);
    return answer;
  }

  #waitFor(
    owner: NodeId,
    wanted: { readonly boot: Boot; readonly sequence: number },
    signal: AbortSignal,
  ): Promise<true> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(owner) ?? new Set<Waiter>();
      this.#waiters.set(owner, waiters);
      const onAbort = () => waiter.reject(this.#aborted());
      const settle = () => {
        if (!waiters.delete(waiter)) return;
        this.#waiting -= 1;
        if (waiters.size === 0) this.#waiters.delete(owner);
        signal.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter = {
        ...wanted,
        resolve: () => {
          settle();
          resolve(true);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      waiters.add(waiter);
      this.#waiting += 1;
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #closed(): Error {
    return coreErrors.ERR_CLOSED(`${this.#subject}: the store was closed`, { what: this.#subject });
  }

  #aborted(): Error {
    return coreErrors.ERR_ABORTED(`${this.#subject}: the caller's signal fired`, {
      target: this.#subject,
    });
  }

  #timedOut(missing: readonly Member[], timeoutMs: number): Error {
    const names = missing.slice(0, 5).map(({ name }) => name);
    const rest = missing.length > names.length ? ` and ${missing.length - names.length} more` : "";
    return coreErrors.ERR_TIMEOUT(
      `${this.#subject}: after ${timeoutMs} ms ${names.join(", ")}${rest} had not confirmed`,
      { timeoutMs, target: this.#subject },
    );
  }
}
