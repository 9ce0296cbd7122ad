/**
 * FoundingShell: carries out what the core of a founding asks for, one input after the other.
 *
 * Invariant: what is being written is durable before the core hears of it, and one record is written at a time.
 */
import type { Membership, Messenger, NodeId, Runtime } from "@foundation/core";
import type { Clock, Logger, Storage, Timer } from "@foundation/core/ports";
import { coreErrors } from "@foundation/core";
import type { Arbiter } from "./arbiter.js";
import { FOUNDING_ASK_MS, FOUNDING_LIMITS, RECORD_BYTES_MAX } from "./limits.js";
import { foundingRefused, membershipClosed, stuck, undecided } from "./membership-errors.js";
import { checkedNames } from "./first-voters.js";
import { joinedBy, standingOf, type FoundingStanding } from "./protocol/founding-knowledge.js";
import { parseFoundingMessage } from "./protocol/founding-messages.js";
import { found } from "./protocol/founding.js";
import type { FoundingInput, FoundingState, Verdict } from "./protocol/founding-state.js";
import { isFormed, parseVoters, type MembershipRecord } from "./protocol/membership-record.js";
import { isName, isRecord } from "../protocol/raft/shape.js";
import { writeRecord } from "./record-file.js";

export interface FoundingShellParts {
  readonly state: FoundingState;
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly storage: Storage;
  readonly arbiter: Arbiter | undefined;
  readonly runtime: Pick<Runtime, "clock" | "logger">;
}

interface Waiter {
  resolve(record: MembershipRecord): void;
  reject(error: unknown): void;
}

export class FoundingShell {
  readonly #messenger: Messenger;
  readonly #membership: Membership;
  readonly #storage: Storage;
  readonly #arbiter: Arbiter | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #subject: string;
  readonly #closing = new AbortController();
  readonly #waiters = new Set<Waiter>();
  #state: FoundingState;
  #timer: Timer | undefined;
  #ends: (() => void)[] = [];
  #writing: Promise<void> | undefined;
  #consulting: Promise<void> | undefined;
  #failure: unknown;
  #told = "";

  constructor({ state, messenger, membership, storage, arbiter, runtime }: FoundingShellParts) {
    this.#state = state;
    this.#messenger = messenger;
    this.#membership = membership;
    this.#storage = storage;
    this.#arbiter = arbiter;
    this.#clock = runtime.clock;
    this.#logger = runtime.logger;
    this.#subject = `consensus.found.${state.setup.name}`;
  }

  get standing(): FoundingStanding {
    return standingOf(this.#state);
  }

  get record(): MembershipRecord | undefined {
    return this.#state.record;
  }

  /** Fires when it is closed. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  start(): void {
    const { id } = this.#state.setup.self;
    this.#ends = [
      this.#messenger.handle(this.#subject, ({ from, payload }) => {
        const message = parseFoundingMessage(payload);
        if (message && from !== id) this.#give({ type: "message", from, message });
      }),
      this.#membership.subscribe(() => this.#meet()),
    ];
    this.#meet();
    this.#tick();
  }

  joined(): ReadonlySet<NodeId> {
    const { record, setup } = this.#state;
    const joined = new Set(joinedBy(this.#state));
    if (record && isFormed(record)) joined.add(setup.self.id);
    return joined;
  }

  members(members: readonly NodeId[]): void {
    this.#give({ type: "members", members });
  }

  found(names: readonly string[]): void {
    const { setup, record, names: known } = this.#state;
    const { name, self, source } = setup;
    const sorted = checkedNames(name, names);
    const [first] = sorted;
    if (source.type === "arbiter") throw foundingRefused(name, "an arbiter decides about it");
    // Said again, or by two operators at once.
    if (record && namesOf(record) === sorted.join()) return;
    if (record) throw foundingRefused(name, `this node belongs to ${record.group} already`);
    if (known && known.join() !== sorted.join()) {
      throw foundingRefused(name, `the list is ${known.join(", ")} here`);
    }
    if (first !== self.name) {
      const reason = `the first of the list makes the offer; give the command at ${String(first)}`;
      throw foundingRefused(name, reason);
    }
    this.#give({ type: "found", names: sorted });
  }

  /** The log is there; resolves when that is written. */
  async begun(): Promise<void> {
    this.#give({ type: "begun" });
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async decided(timeoutMs: number, signal?: AbortSignal): Promise<MembershipRecord> {
    const { name } = this.#state.setup;
    const startedAt = this.#clock.now();
    let timer: Timer | undefined;
    let onAbort: (() => void) | undefined;
    let waiter: Waiter | undefined;
    try {
      return await new Promise<MembershipRecord>((resolve, reject) => {
        waiter = { resolve, reject };
        this.#waiters.add(waiter);
        timer = this.#clock.setTimer(timeoutMs, () => {
          const { standing } = this;
          const why = standing.type === "decided" ? "nothing" : standing.why;
          const waitedMs = this.#clock.now() - startedAt;
          reject(standing.type === "stuck" ? stuck(name, why) : undecided(name, why, waitedMs));
        });
        onAbort = () => reject(abortedBy(name, signal?.reason));
        if (signal?.aborted) onAbort();
        signal?.addEventListener("abort", onAbort);
        this.#answer();
      });
    } finally {
      timer?.cancel();
      if (onAbort) signal?.removeEventListener("abort", onAbort);
      if (waiter) this.#waiters.delete(waiter);
    }
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      this.#timer?.cancel();
      for (const end of this.#ends) end();
      this.#answer();
    }
    await this.#writing;
    await this.#consulting;
  }

  #meet(): void {
    const names = this.#state.names ?? [];
    const others = this.#membership.members().filter(({ id }) => id !== this.#membership.self.id);
    const ids = (isListed: boolean): readonly NodeId[] => {
      return others.filter(({ name }) => names.includes(name) === isListed).map(({ id }) => id);
    };
    // More than can be asked: first voters first, then those who are members already.
    const known = this.#state.members.filter((id) => others.some((other) => other.id === id));
    const peers = [...new Set([...ids(true), ...known, ...ids(false)])];
    this.#give({ type: "peers", peers: peers.slice(0, FOUNDING_LIMITS.askedMax) });
  }

  #tick(): void {
    this.#give({ type: "tick" });
    if (this.signal.aborted) return;
    this.#timer = this.#clock.setTimer(FOUNDING_ASK_MS, () => this.#tick());
  }

  #give(input: FoundingInput): void {
    if (this.signal.aborted) return;
    const { state, sends, write, consult } = found(this.#state, input);
    this.#state = state;
    if (write) this.#writing = this.#write(write);
    for (const { to, message } of sends) {
      // One that finds no room is asked for again.
      this.#messenger.trySend({ to, channel: "raft", subject: this.#subject }, message);
    }
    if (consult) this.#consulting ??= this.#consult(consult);
    this.#answer();
  }

  async #write(record: MembershipRecord): Promise<void> {
    try {
      await writeRecord(this.#storage, record);
    } catch (error) {
      // Nobody was told; whether it is on the disk shows the next start.
      this.#failure = error;
      this.#logger.error("the membership of a consensus group could not be written", {
        group: record.name,
        error,
      });
      this.#answer();
      return;
    }
    this.#give({ type: "persisted" });
  }

  async #consult({ group, voters }: Verdict): Promise<void> {
    const { name } = this.#state.setup;
    const offer = new TextEncoder().encode(JSON.stringify({ group, voters }));
    try {
      const bytes = await this.#arbiter?.claim(name, offer, { signal: this.signal });
      const winner = bytes && verdictOf(bytes);
      if (bytes && !winner) throw new Error("what stands in the arbiter's place is no verdict");
      this.#consulting = undefined;
      if (winner) this.#give({ type: "verdict", winner });
    } catch (error) {
      // Asked again with the next round: the same question has the same answer.
      this.#consulting = undefined;
      if (!this.signal.aborted) {
        this.#logger.warn("the arbiter of a consensus group gave no answer", {
          group: name,
          error,
        });
      }
    }
  }

  #answer(): void {
    const { standing } = this;
    const { name } = this.#state.setup;
    if (this.#failure === undefined && this.signal.aborted) {
      for (const { reject } of this.#waiters) reject(membershipClosed(name));
    } else if (this.#failure !== undefined) {
      for (const { reject } of this.#waiters) reject(this.#failure);
    } else if (standing.type === "decided") {
      for (const { resolve } of this.#waiters) resolve(standing.record);
    }
    this.#tell(standing);
  }

  /** Says what is waited for, once for each thing. */
  #tell(standing: FoundingStanding): void {
    const text = standing.type === "decided" ? standing.record.group : standing.why;
    if (text === this.#told) return;
    this.#told = text;
    const group = this.#state.setup.name;
    if (standing.type === "stuck") {
      this.#logger.error("a consensus group needs somebody", { group, why: standing.why });
    } else if (standing.type === "waiting") {
      this.#logger.info("a consensus group is waited for", { group, why: standing.why });
    } else {
      const { phase } = standing.record;
      this.#logger.info("the consensus group is known", { group, id: text, phase });
    }
  }
}

function namesOf({ voters }: MembershipRecord): string {
  return voters.map((voter) => voter.name).join();
}

function verdictOf(bytes: Uint8Array): Verdict | undefined {
  if (bytes.length > RECORD_BYTES_MAX) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (!isRecord(value) || !isName(value["group"])) return undefined;
  const voters = parseVoters(value["voters"]);
  return voters && voters.length > 0 ? { group: value["group"], voters } : undefined;
}

function abortedBy(group: string, cause: unknown): Error {
  const message = `Waiting for the group "${group}" was given up`;
  return coreErrors.ERR_ABORTED(message, { target: `group ${group}` }, cause);
}
