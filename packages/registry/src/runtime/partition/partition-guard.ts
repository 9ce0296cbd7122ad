/**
 * PartitionGuard: on which side of a cut this node is, counted from the committed roster or from what was configured.
 *
 * The roster is looked at only when the first guarded child is heard of. A side that has a quorum has it from a moment on;
 * what hangs on time (a grace period that is over) is told by one timer, so that nobody has to ask again and again.
 *
 * Invariant: without a roster that has something committed, and without `expect`, there is no quorum.
 * Limits: `quorumGraceMs`, `absencesMax`, `storeTimeoutMs` for a roster that does not come.
 */
import { coreErrors, type Member, type MembershipEvent, type Timer } from "@foundation/core";
import type { Roster } from "@foundation/core/ports";
import { registryErrors } from "../../errors.js";
import type { ChildSpec, Owner } from "../../protocol/child-spec.js";
import { count, isQuorum, type Count, type Electorate } from "../../protocol/partition.js";
import type { PartitionView } from "../../protocol/takeover.js";
import type { Wiring } from "../wiring.js";

/** From what quorums are counted. */
export interface GuardOptions {
  /** Asked for once, when the first guarded child is heard of. */
  readonly roster: () => Roster | undefined;
  /** Counted from while no roster has anything committed. */
  readonly expect: Electorate | undefined;
  /** What may run here may have changed. */
  readonly onChange: () => void;
}

export class PartitionGuard {
  readonly #wiring: Wiring;
  readonly #options: GuardOptions;
  readonly #unsubscribe: () => void;
  readonly #closing = new AbortController();
  /** When this node began to miss each owner. */
  readonly #absences = new Map<string, number>();
  /** When grace periods end, in order. */
  readonly #due: number[] = [];
  #timer: Timer | undefined;
  #roster: Roster | undefined;
  #isCounting = false;
  #quorumSinceMs: number | undefined;
  readonly #view: PartitionView;

  constructor(wiring: Wiring, options: GuardOptions) {
    this.#wiring = wiring;
    this.#options = options;
    this.#unsubscribe = wiring.membership.subscribe((event) => this.#onMember(event));
    const quorumForMs = (): number | undefined => this.#quorumForMs();
    this.#view = {
      side: {
        get quorumForMs() {
          return quorumForMs();
        },
        graceMs: wiring.limits.quorumGraceMs,
      },
      goneForMs: (owner) => this.#goneForMs(owner),
    };
  }

  /** For `decide`: always of this moment. */
  get view(): PartitionView {
    return this.#view;
  }

  /**
   * Refuses the start of a guarded child where there is no quorum.
   *
   * @throws {ERR_QUORUM_REQUIRED} nothing says what a quorum is; {ERR_MINORITY_SIDE} there is none here
   */
  async require(name: string): Promise<void> {
    this.#begin();
    const roster = this.#roster;
    if (roster === undefined && this.#options.expect === undefined) throw unconfigured(name);
    if (roster !== undefined && roster.current().epoch === 0) await this.#committed(roster);
    this.#recount();
    if (this.#quorumSinceMs === undefined) throw this.#minority(name);
  }

  /** Why a guarded child cannot be reached from here, where this side has no quorum. */
  refusal({ identity, rules }: ChildSpec): Error | undefined {
    if (rules?.partition !== "quorum" || this.#quorumForMs() !== undefined) return undefined;
    return this.#minority(identity);
  }

  close(): void {
    this.#closing.abort();
    this.#unsubscribe();
    this.#timer?.cancel();
  }

  #quorumForMs(): number | undefined {
    this.#begin();
    const since = this.#quorumSinceMs;
    return since === undefined ? undefined : this.#passedSince(since);
  }

  #begin(): void {
    if (this.#isCounting || this.#closing.signal.aborted) return;
    this.#isCounting = true;
    this.#roster = this.#options.roster();
    if (this.#roster !== undefined) void this.#follow(this.#roster);
    this.#recount();
  }

  async #follow(roster: Roster): Promise<void> {
    const { signal } = this.#closing;
    try {
      for await (const _ of roster.watch({ signal })) this.#recount();
    } catch (error) {
      this.#wiring.logger.warn(
        "The roster is followed no more: quorums are counted from the last",
        {
          error,
        },
      );
    }
  }

  /** Until a list is committed: where the group is being founded, that is a moment away. */
  async #committed(roster: Roster): Promise<void> {
    const { clock, limits } = this.#wiring;
    const giveUp = new AbortController();
    const timer = clock.setTimer(limits.storeTimeoutMs, () => giveUp.abort());
    let failure: { readonly error: unknown } | undefined;
    roster.ready().catch((error: unknown) => {
      failure = { error };
      giveUp.abort();
    });
    const signal = AbortSignal.any([giveUp.signal, this.#closing.signal]);
    try {
      for await (const { epoch } of roster.watch({ signal })) if (epoch > 0) break;
    } finally {
      timer.cancel();
    }
    if (failure !== undefined) throw failure.error;
  }

  #recount(): void {
    const had = this.#quorumSinceMs !== undefined;
    const counted = this.#count();
    const has = isQuorum(counted);
    if (has === had) return;
    const { clock, logger, limits } = this.#wiring;
    this.#quorumSinceMs = has ? clock.now() : undefined;
    if (has) {
      logger.info("This side has a quorum: guarded children may run here", { ...counted });
      this.#wakeIn(limits.quorumGraceMs);
    } else logger.warn("This side has no quorum: guarded children stop here", { ...counted });
    this.#options.onChange();
  }

  #count(): Count {
    return count(this.#electorate(), this.#wiring.membership.members());
  }

  #electorate(): Electorate {
    const committed = this.#roster?.current();
    if (committed !== undefined && committed.epoch > 0) return committed.members;
    return this.#options.expect ?? [];
  }

  #onMember({ type, node }: MembershipEvent): void {
    if (type === "node-up") this.#absences.delete(keyOf(ownerOf(node)));
    if (type === "node-down" || type === "node-left") this.#miss(ownerOf(node));
    if (this.#isCounting) this.#recount();
  }

  #goneForMs(owner: Owner): number {
    const since = this.#absences.get(keyOf(owner)) ?? this.#miss(owner);
    return this.#passedSince(since);
  }

  /** The grace is over when the very sum is reached that the timer is set to: a difference of fractions can fall short. */
  #passedSince(sinceMs: number): number {
    const { clock, limits } = this.#wiring;
    const now = clock.now();
    const isOver = now >= sinceMs + limits.quorumGraceMs;
    return Math.max(now - sinceMs, isOver ? limits.quorumGraceMs : 0);
  }

  #miss(owner: Owner): number {
    const { clock, limits } = this.#wiring;
    const now = clock.now();
    if (this.#absences.size >= limits.absencesMax) {
      for (const oldest of this.#absences.keys()) {
        this.#absences.delete(oldest);
        break;
      }
    }
    this.#absences.set(keyOf(owner), now);
    if (this.#isCounting) this.#wakeIn(limits.quorumGraceMs);
    return now;
  }

  /** The delay is the same each time, so the queue is in order. */
  #wakeIn(delayMs: number): void {
    const dueMs = this.#wiring.clock.now() + delayMs;
    if (this.#due.at(-1) === dueMs) return;
    this.#due.push(dueMs);
    this.#arm();
  }

  #arm(): void {
    const [next] = this.#due;
    if (next === undefined || this.#timer !== undefined || this.#closing.signal.aborted) return;
    const { clock } = this.#wiring;
    this.#timer = clock.setTimer(Math.max(0, next - clock.now()), () => {
      this.#timer = undefined;
      while ((this.#due[0] ?? Number.POSITIVE_INFINITY) <= clock.now()) this.#due.shift();
      this.#options.onChange();
      this.#arm();
    });
  }

  #minority(name: string): Error {
    const { present, of } = this.#count();
    const isRoster = (this.#roster?.current().epoch ?? 0) > 0;
    const list = isRoster ? "the committed roster" : "the configured `expect`";
    const reason =
      of === 0
        ? "no roster is committed yet, and no `expect` is configured"
        : `${present} of ${of} of ${list} are on this side, and more than half is needed`;
    return registryErrors.ERR_MINORITY_SIDE(
      `"${name}" runs only where a quorum is, and this side has none: ${reason}; nothing ran`,
      { name, reason },
    );
  }
}

/** What `expect` was given as. @throws {ERR_INVALID_ARGUMENT} */
export function checkExpect(expect: unknown): Electorate | undefined {
  if (expect === undefined) return undefined;
  if (typeof expect === "number" && Number.isSafeInteger(expect) && expect >= 1) return expect;
  const isList = Array.isArray(expect) && expect.length > 0;
  if (isList && expect.every((name) => typeof name === "string" && name !== "")) {
    return [...new Set(expect as readonly string[])];
  }
  const expected = "the number of nodes, at least 1, or a list of their names or ids";
  const found = JSON.stringify(expect)?.slice(0, 64) ?? typeof expect;
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `createRegistry: expect must be ${expected}, found ${found}`,
    { argument: "expect", expected, found },
  );
}

function unconfigured(name: string): Error {
  return registryErrors.ERR_QUORUM_REQUIRED(
    `"${name}" was to be started with the partition policy "quorum", and nothing says of whom a quorum is: give ` +
      'createRegistry a `roster` that is committed, or `expect: ["app-0", "app-1", "app-2"]`, or their number',
    { name },
  );
}

function ownerOf({ id, boot }: Member): Owner {
  return { node: id, boot };
}

function keyOf({ node, boot }: Owner): string {
  return `${node}/${boot}`;
}
