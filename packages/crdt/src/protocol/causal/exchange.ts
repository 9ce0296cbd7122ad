/**
 * CausalExchange: anti-entropy between two replicas of a causal state.
 *
 * Who has a different root is answered with a version vector; whoever lacks something of it pulls it,
 * range by range, a credit at a time. What was taken in is known by number, so a pull that breaks off
 * goes on where it was. Then the removals are found that one side missed (removals.ts).
 * docs/protocol/crdt.md tells it in full.
 *
 * Why one exchange at a time: a node that joins differs from everybody, and would otherwise be sent
 * everything once by each member. Who is put off gets its turn when the running one ends.
 *
 * Why it ends: a pull follows another, and a round a round, only if the one before moved something.
 * What is known of a writer only grows (`known` in strand.ts), so an exchange has no more messages
 * than what differs and what the peer says of it allow; what cannot be settled waits for the next tick.
 *
 * Invariants: a lost message ends the exchange and nothing else; nothing is asked for a second time
 * before something was learnt.
 */
import type { NodeId } from "@foundation/core";
import { COMPARED_STRANDS_MAX, PULL_TIMEOUT_MS } from "../../limits.js";
import { PutOff } from "../put-off.js";
import { DeltaWriter, endOf } from "./delta-writer.js";
import { Intervals } from "./intervals.js";
import type {
  Blocks,
  CausalAgree,
  CausalRoot,
  Lives,
  Part,
  Pull,
  StrandSummary,
  Vector,
} from "./messages.js";
import { Removals, type RemovalsOptions } from "./removals.js";
import type { Strand, StrandId } from "./strand.js";

export interface CausalExchangeOptions<V> extends RemovalsOptions<V> {
  readonly own: StrandId;
  /** The peer has everything this replica has. */
  readonly agreed: (peer: NodeId, now: number) => void;
}

interface Active {
  readonly peer: NodeId;
  /** Silence until then ends the exchange. */
  untilMs: number;
  /** What the peer last said it has. */
  readonly targets: Map<StrandId, StrandSummary>;
  /** The pull under way, 0 for none, and what the last one asked for. */
  pull: number;
  wants: ReadonlyMap<StrandId, Intervals>;
  /** Another pull may bring more: the last one did, or the peer has told what it has since. */
  mayPull: boolean;
  /** Writers whose blocks were sent and not answered. */
  readonly comparing: Set<StrandId>;
  readonly compared: Set<StrandId>;
  /** Something was learnt, or the peer has something to learn: the next round may find more. */
  hasGained: boolean;
}

export class CausalExchange<V> {
  readonly #options: CausalExchangeOptions<V>;
  /** Peers that differ and were put off. */
  readonly #waiting = new PutOff((peer) => this.begin(peer));
  /** When a peer was last asked because of a hole. */
  readonly #askedAtMs = new Map<NodeId, number>();
  readonly #removals: Removals<V>;
  #active: Active | undefined;
  #pulls = 0;

  constructor(options: CausalExchangeOptions<V>) {
    this.#options = options;
    this.#removals = new Removals(options);
  }

  /** Asks a peer whether it agrees. */
  begin(peer: NodeId): void {
    this.#options.send(peer, { type: "root", root: this.#options.table.root });
  }

  /** An exchange with the peer runs: it will end with the roots of both. */
  isWith(peer: NodeId, now: number): boolean {
    return this.#active?.peer === peer && now < this.#active.untilMs;
  }

  /** Something of the peer is missing here: asks it, but not for every message anew. */
  gap(peer: NodeId, now: number): void {
    if (this.isWith(peer, now)) return;
    const askedAtMs = this.#askedAtMs.get(peer);
    if (askedAtMs !== undefined && now - askedAtMs < PULL_TIMEOUT_MS) return;
    this.#askedAtMs.set(peer, now);
    this.begin(peer);
  }

  forget(peer: NodeId): void {
    this.#waiting.delete(peer);
    this.#askedAtMs.delete(peer);
    this.#removals.forget(peer);
    if (this.#active?.peer === peer) this.#next();
  }

  tick(peer: NodeId | undefined, now: number): void {
    this.#removals.tick();
    this.#endSilence(now);
    if (this.#active !== undefined) return;
    if (this.#waiting.beginAll() || this.#options.table.strands.size === 0) return;
    if (peer !== undefined) this.begin(peer);
  }

  handle(
    from: NodeId,
    message: CausalRoot | CausalAgree | Vector | Pull | Blocks | Lives,
    now: number,
  ): void {
    this.#endSilence(now);
    if (this.#active?.peer === from) this.#active.untilMs = now + PULL_TIMEOUT_MS;
    switch (message.type) {
      case "root":
        this.#root(from, message, now);
        break;
      case "agree":
        if (isSame(message.root, this.#options.table.root)) this.#agree(from, now);
        break;
      case "vector":
        this.#vector(from, message, now);
        break;
      case "pull":
        this.#serve(from, message, now);
        break;
      case "blocks":
        this.#removals.answer(from, message);
        break;
      case "lives":
        this.#lives(from, message, now);
        break;
      default:
        message satisfies never;
    }
  }

  /** Whether a part is of what the pull under way asked a peer for. */
  hasAsked(peer: NodeId, { of, from, through }: Part<V>): boolean {
    const active = this.#active;
    if (active?.peer !== peer || active.pull === 0) return false;
    return active.wants.get(of)?.missing([from, through]).length === 0;
  }

  /** A delta of the peer was taken in; `isStep`: of what was asked for, something was not known. */
  took(from: NodeId, isStep: boolean, ends: number | undefined, now: number): void {
    const active = this.#active;
    if (active?.peer !== from) return;
    active.untilMs = now + PULL_TIMEOUT_MS;
    active.mayPull ||= isStep;
    active.hasGained ||= isStep;
    if (ends === undefined || ends !== active.pull) return;
    active.pull = 0;
    this.#step(active);
  }

  #endSilence(now: number): void {
    if (this.#active !== undefined && now >= this.#active.untilMs) this.#active = undefined;
  }

  #root(from: NodeId, { root }: CausalRoot, now: number): void {
    if (isSame(root, this.#options.table.root)) {
      this.#options.send(from, { type: "agree", root });
      this.#agree(from, now);
    } else this.#tell(from, true);
  }

  /** Sends all this replica has taken in. */
  #tell(to: NodeId, ask: boolean): void {
    const { table, limits, send } = this.#options;
    const all = [...table.strands.values()].map(summaryOf);
    const complete = all.length <= limits.vectorStrandsMax;
    for (let at = 0; at === 0 || at < all.length; at += limits.vectorStrandsMax) {
      const strands = all.slice(at, at + limits.vectorStrandsMax);
      send(to, { type: "vector", ask: ask && at === 0, complete, strands });
    }
  }

  #agree(from: NodeId, now: number): void {
    this.#options.agreed(from, now);
    this.#waiting.delete(from);
    this.#removals.forget(from);
    // Who was put off and agrees by now hands its turn on.
    if (this.#active === undefined || this.#active.peer === from) this.#next();
  }

  #next(): void {
    this.#active = undefined;
    this.#waiting.beginNext();
  }

  #vector(from: NodeId, message: Vector, now: number): void {
    this.#askedAtMs.delete(from);
    if (message.ask && this.#hasMoreThan(message)) this.#tell(from, false);
    const running = this.#active;
    if (running !== undefined && running.peer !== from) {
      if (this.#isNews(message)) this.#waiting.add(from);
      return;
    }
    if (running === undefined && !this.#isNews(message)) return;
    const active = running ?? activeWith(from, now);
    this.#active = active;
    this.#waiting.delete(from);
    for (const summary of message.strands) {
      active.targets.set(summary.id, summary);
      active.compared.delete(summary.id);
    }
    active.mayPull = true;
    if (active.pull === 0 && active.comparing.size === 0) this.#step(active);
  }

  /** Whether the peer lacks something, or we do not know that it does not. */
  #hasMoreThan({ strands, complete }: Vector): boolean {
    const { table } = this.#options;
    if (!complete) return true;
    const theirs = new Map(strands.map((summary) => [summary.id, summary]));
    for (const strand of table.strands.values()) {
      const other = theirs.get(strand.id);
      if (other === undefined) {
        if (strand.live > 0) return true;
      } else if (new Intervals(other.seen).missing(strand.seen.ranges).length > 0) return true;
    }
    return false;
  }

  #isNews({ strands }: Vector): boolean {
    const { table } = this.#options;
    return strands.some((summary) => {
      const strand = table.strands.get(summary.id);
      if (this.#missing(summary).length > 0) return true;
      return strand !== undefined && differs(strand, summary);
    });
  }

  /** What the peer has seen of a writer and this replica has not. */
  #missing({ id, seen, live }: StrandSummary): readonly number[] {
    const { own, table, limits } = this.#options;
    if (id === own) return [];
    const strand = table.strands.get(id);
    if (strand !== undefined) return strand.seen.missing(seen);
    // What is all removed and was never here needs no memory: see retire in causal-state.ts.
    return live === 0 || table.strands.size >= limits.strandsMax ? [] : seen;
  }

  #step(active: Active): void {
    const { limits, send } = this.#options;
    const wants: [StrandId, readonly number[]][] = [];
    for (const summary of active.targets.values()) {
      const ranges = this.#missing(summary);
      if (ranges.length > 0) wants.push([summary.id, ranges]);
      if (wants.length >= limits.vectorStrandsMax) break;
    }
    // A pull that brought nothing is not repeated: the peer may have lost what it had.
    if (wants.length === 0 || !active.mayPull) {
      this.#compare(active);
      return;
    }
    this.#pulls += 1;
    active.pull = this.#pulls;
    active.wants = new Map(wants.map(([id, ranges]) => [id, new Intervals(ranges)]));
    active.mayPull = false;
    send(active.peer, { type: "pull", number: this.#pulls, wants });
  }

  /** Looks for removals that one side missed. */
  #compare(active: Active): void {
    const { table } = this.#options;
    for (const summary of active.targets.values()) {
      if (active.comparing.size >= COMPARED_STRANDS_MAX) break;
      const strand = table.strands.get(summary.id);
      if (strand === undefined || active.compared.has(summary.id)) continue;
      if (!differs(strand, summary)) continue;
      active.comparing.add(summary.id);
      active.compared.add(summary.id);
      this.#removals.ask(active.peer, strand);
    }
    if (active.comparing.size === 0) this.#finish(active);
  }

  #finish(active: Active): void {
    const { peer, hasGained } = active;
    if (hasGained) {
      this.#active = undefined;
      this.begin(peer);
    }
    this.#next();
  }

  #serve(from: NodeId, { number, wants }: Pull, now: number): void {
    const { table, limits, send } = this.#options;
    const writer = new DeltaWriter<V>(limits, limits.pullBytesAim, now);
    for (const [id, ranges] of wants) {
      const strand = table.strands.get(id);
      if (strand === undefined) continue;
      const here = strand.seen.common(ranges);
      for (let i = 0; i < here.length && !writer.isSpent; i += 2) {
        writer.add(strand, here[i] as number, here[i + 1] as number);
      }
    }
    const last = writer.messages.pop();
    for (const message of writer.messages) send(from, message);
    send(from, last === undefined ? endOf(number) : { ...last, ends: number });
  }

  #lives(from: NodeId, message: Lives, now: number): void {
    const active = this.#active?.peer === from ? this.#active : undefined;
    const live = active?.targets.get(message.of)?.live;
    const isStep = this.#removals.settle(from, message, live, now);
    if (active === undefined) return;
    active.hasGained ||= isStep;
    active.comparing.delete(message.of);
    // Not to compare at once: the peer may have named more writers meanwhile.
    if (active.comparing.size === 0) this.#step(active);
  }
}

function activeWith(peer: NodeId, now: number): Active {
  return {
    peer,
    untilMs: now + PULL_TIMEOUT_MS,
    targets: new Map(),
    pull: 0,
    wants: new Map(),
    mayPull: true,
    comparing: new Set(),
    compared: new Set(),
    hasGained: false,
  };
}

/** What this replica says of a writer. */
export function summaryOf<V>({ id, seen, live, high, low }: Strand<V>): StrandSummary {
  return { id, seen: [...seen.ranges], live, high, low };
}

function differs<V>(strand: Strand<V>, { live, high, low }: StrandSummary): boolean {
  return strand.live !== live || strand.high !== high || strand.low !== low;
}

function isSame(a: CausalRoot["root"], b: CausalRoot["root"]): boolean {
  return a.high === b.high && a.low === b.low;
}
