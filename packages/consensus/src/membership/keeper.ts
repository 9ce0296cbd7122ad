/**
 * keepVoters: keeps as many voters as are wanted, spread over zones, and replaces the dead and those that will leave.
 *
 * The shell of `protocol/voter-decision.ts`. It runs at every member and acts at the leader only; a change that
 * two leaders would want goes through the log, so it happens once. It says what it does and why, and with `dryRun`
 * it only says.
 */
import {
  coreErrors,
  nodeRuntime,
  resolveLimits,
  type Member,
  type Membership,
  type NodeId,
  type Runtime,
} from "@foundation/core";
import type { Clock, Logger, Timer } from "@foundation/core/ports";
import type { Group, GroupStatus } from "../group/group.js";
import { KEEPER_LOOK_MS, VOTER_POLICY, VOTERS_MAX, type VoterPolicy } from "./limits.js";
import { invalid } from "./membership-errors.js";
import type { VoterDecision } from "./protocol/voter-decision.js";
import { VoterWatch } from "./protocol/voter-watch.js";

export interface KeepVotersOptions {
  readonly group: Pick<
    Group<unknown>,
    "id" | "self" | "status" | "watchStatus" | "change" | "transfer"
  >;
  readonly membership: Membership;
  /** Nodes that have joined the group, as `GroupFinder.joined` knows them; others are never added. */
  readonly joined: () => ReadonlySet<NodeId>;
  /** @default VOTER_POLICY */
  readonly policy?: Partial<VoterPolicy> | undefined;
  /** The label of a node that says where it stands. @default "zone" */
  readonly zoneLabel?: string | undefined;
  /** Nodes that may vote. @default all */
  readonly isEligible?: ((member: Member) => boolean) | undefined;
  /** Names of members at the founding, for those that are gone when a leadership begins. */
  readonly names?: ReadonlyMap<NodeId, string> | undefined;
  /** Only says what it would do. @default false */
  readonly dryRun?: boolean | undefined;
  /** Time and logger. @default Node's */
  readonly runtime?: Partial<Runtime> | undefined;
}

export interface VoterKeeper extends AsyncDisposable {
  /** What it did, would do or waits for; undefined where this member does not lead. */
  readonly decision: VoterDecision | undefined;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Keeps the voters of a group.
 *
 * @throws {ERR_INVALID_ARGUMENT} for a policy that cannot be
 *
 * @example
 * ```ts
 * import { keepVoters, type Group, type GroupFinder } from "@foundation/consensus"
 * import type { Membership } from "@foundation/core/ports"
 *
 * export function keep(group: Group<unknown>, finder: GroupFinder, membership: Membership): AsyncDisposable {
 *   const policy = { voters: 5, deadAfterMs: 120_000 }
 *   return keepVoters({ group, membership, joined: () => finder.joined(), policy })
 * }
 * ```
 */
export function keepVoters(options: KeepVotersOptions): VoterKeeper {
  const policy = resolveLimits(VOTER_POLICY, options.policy);
  if (policy.voters > VOTERS_MAX || policy.voters % 2 === 0) {
    throw invalid("policy.voters", `1, 3, 5 or ${VOTERS_MAX}`, String(policy.voters));
  }
  const keeper = new Keeper(options, policy);
  keeper.start();
  return keeper;
}

class Keeper implements VoterKeeper {
  readonly #options: KeepVotersOptions;
  readonly #policy: VoterPolicy;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  #endMembership = (): void => {};
  #following: Promise<void> | undefined;
  /** Of the leadership of `#term`; undefined while another leads. */
  #watch: VoterWatch | undefined;
  #term = 0;
  #timer: Timer | undefined;
  #acting: Promise<void> | undefined;
  #told = "";
  decision: VoterDecision | undefined;

  constructor(options: KeepVotersOptions, policy: VoterPolicy) {
    const { clock, logger } = nodeRuntime(options.runtime);
    this.#options = options;
    this.#policy = policy;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(): void {
    this.#endMembership = this.#options.membership.subscribe(() => this.#look());
    this.#following = this.#follow();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#timer?.cancel();
    this.#endMembership();
    await this.#acting;
    await this.#following;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    try {
      for await (const status of this.#options.group.watchStatus({ signal })) {
        this.#lead(status);
        this.#look();
      }
    } catch (error) {
      if (!signal.aborted) this.#logger.debug("the voters of a group are kept no more", { error });
    }
    this.#lead(undefined);
  }

  #lead(status: GroupStatus | undefined): void {
    const isLeader = status?.role === "leader" && status.failure === undefined;
    if (isLeader && this.#watch && status.term === this.#term) return;
    const { group, names } = this.#options;
    this.#watch = isLeader
      ? new VoterWatch(group.self, this.#policy, this.#clock.now(), names)
      : undefined;
    this.#term = status?.term ?? 0;
    if (!isLeader) {
      this.decision = undefined;
      this.#timer?.cancel();
    }
  }

  #look(): void {
    const watch = this.#watch;
    if (!watch || this.#acting || this.#closing.signal.aborted) return;
    const { group, membership, joined, zoneLabel = "zone", isEligible, dryRun } = this.#options;
    const now = this.#clock.now();
    const decision = watch.decide(now, {
      configuration: group.status().configuration,
      members: membership.members(),
      joined: joined(),
      zoneLabel,
      isEligible: isEligible ?? (() => true),
    });
    this.decision = decision;
    this.#tell(decision);
    this.#timer?.cancel();
    if (decision.type === "none" || dryRun === true) {
      const at = decision.type === "none" ? (decision.at ?? Infinity) : Infinity;
      const delayMs = Math.max(1, Math.min(KEEPER_LOOK_MS, at - now));
      this.#timer = this.#clock.setTimer(delayMs, () => this.#look());
      return;
    }
    this.#acting = this.#act(watch, decision);
  }

  async #act(watch: VoterWatch, decision: Exclude<VoterDecision, { type: "none" }>): Promise<void> {
    const { group } = this.#options;
    const { signal } = this.#closing;
    let isDone = true;
    try {
      if (decision.type === "transfer") await group.transfer(decision.to, { signal });
      else await group.change(decision.changes, { signal });
    } catch (error) {
      // Nothing is lost by it: the next look sees what became of it.
      isDone = coreErrors.ERR_OUTCOME_UNKNOWN.is(error);
      if (!signal.aborted) {
        this.#logger.warn("the voters of a group were not changed", { group: group.id, error });
      }
    }
    const change = decision.type === "change" ? decision : undefined;
    watch.changed(this.#clock.now(), change, isDone);
    this.#acting = undefined;
    this.#look();
  }

  /** Each decision once. */
  #tell(decision: VoterDecision): void {
    const text = `${decision.type} ${decision.why}`;
    if (text === this.#told) return;
    this.#told = text;
    const { group, dryRun } = this.#options;
    const fields = { group: group.id, why: decision.why };
    if (decision.type === "none") {
      this.#logger.debug("the voters of a group stay as they are", fields);
      return;
    }
    const what =
      decision.type === "transfer"
        ? { transfer: decision.to }
        : { changes: decision.changes.map(({ type, id }) => `${type} ${id}`) };
    const would = dryRun === true ? "would be" : "are";
    this.#logger.info(`the voters of a group ${would} changed`, { ...fields, ...what });
  }
}
