/**
 * GroupWorld: a group of cores in virtual time, whose network loses, repeats, delays and cuts one way, whose disks are
 * slow and forget what was not synced, whose members crash, pause, change and take snapshots. One seed, one run.
 *
 * After every step of every member the checks look at what it did (checks.ts, honesty.ts).
 */
import type { NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import type { RequestId } from "@foundation/consensus";
import { Checks } from "./checks.js";
import { Counts } from "./counts.js";
import { EventQueue } from "./event-queue.js";
import { LogStore } from "./log-store.js";
import { Member } from "./member.js";
import type { DiskTiming, MemberStore } from "./member-store.js";
import type { ModelDisk } from "./model-disk.js";
import { ModelStore } from "./model-store.js";
import { Network } from "./network.js";
import { Shell } from "./shell.js";
import type { Trace } from "./trace.js";
import { drawWeather, type Weather } from "./weather.js";

export class GroupWorld {
  readonly weather: Weather;
  readonly random: Random;
  readonly checks = new Checks();
  readonly counts = new Counts();
  readonly members: readonly Member[];
  readonly disks: ReadonlyMap<NodeId, ModelDisk>;
  readonly network: Network;
  now = 0;
  syncMs: number;
  /** Nothing breaks any more. */
  isHealed = false;
  /** A member has become leader. */
  onLeader: (member: Member) => void = () => {};
  readonly #trace: Trace | undefined;
  readonly #events = new EventQueue();
  readonly #shells: ReadonlyMap<NodeId, Shell>;
  /** What must be waited for before the next event. */
  readonly #unsettled: (() => Promise<void>)[] = [];
  #request = 0;

  constructor(seed: string, voters: number, trace?: Trace) {
    this.#trace = trace;
    this.random = seededRandom(seed);
    const weather = drawWeather(this.random.fork("weather"), voters);
    this.weather = weather;
    this.network = new Network(this.random.fork("network"), weather);
    this.syncMs = weather.syncMs;
    const { members, drift } = weather;
    const rates = this.random.fork("clocks");
    this.members = Array.from({ length: members }, (_, i) => {
      return new Member(idOf(i), i, 1 + drift * (rates.next() - 0.5));
    });
    this.disks = new Map(this.members.map(({ id, disk }) => [id, disk]));
    const first = this.members.slice(0, voters).map(({ id }) => id);
    this.#shells = new Map(
      this.members.map((member) => {
        if (member.index < voters) member.disk.found(first);
        return [member.id, new Shell(this, member, this.#storeFor(member))];
      }),
    );
    for (const member of this.members) this.of(member).start();
  }

  /** What a member does. */
  of({ id }: Member): Shell {
    return this.#shells.get(id) as Shell;
  }

  shellOf(id: NodeId): Shell | undefined {
    return this.#shells.get(id);
  }

  get leader(): Member | undefined {
    let leader: Member | undefined;
    for (const member of this.members) {
      if (!member.isLeader()) continue;
      const term = leader?.raft?.status.term ?? 0;
      if ((member.raft?.status.term ?? 0) > term) leader = member;
    }
    return leader;
  }

  drawRequest(): RequestId {
    this.#request += 1;
    return this.#request;
  }

  heal(): void {
    this.isHealed = true;
    this.tell(() => "everything heals");
    this.network.heal();
    this.network.isFaultless = true;
    this.syncMs = Math.min(this.weather.syncMs, HEALED_SYNC_MS);
    for (const member of this.members) {
      member.isDiskStalled = false;
      member.dragMs = 0;
      this.of(member).start();
    }
  }

  after(delayMs: number, run: () => void): void {
    this.#events.add(this.now + delayMs, run);
  }

  /** Lets time pass; true as soon as `until` is. */
  async run(ms: number, until?: () => boolean): Promise<boolean> {
    const end = this.now + ms;
    await this.#settle();
    for (;;) {
      const next = this.#events.nextAt;
      if (next === undefined || next > end) break;
      this.now = next;
      this.counts.events += 1;
      this.#events.take()();
      if (this.#unsettled.length > 0) await this.#settle();
      if (until?.()) return true;
    }
    this.now = end;
    return until?.() ?? false;
  }

  async #settle(): Promise<void> {
    for (let work = this.#unsettled.shift(); work; work = this.#unsettled.shift()) await work();
  }

  #storeFor(member: Member): MemberStore {
    const random = this.random.fork(`disk ${member.index}`);
    const timing: DiskTiming = {
      random,
      syncMs: () => this.syncMs,
      after: this.after.bind(this),
      settle: (work) => void this.#unsettled.push(work),
    };
    if (!this.weather.hasDurableLog) return new ModelStore(member, timing);
    return new LogStore(member, timing, random.fork("files"));
  }

  /** For the story of a seed that fails. */
  tell(line: () => string): void {
    this.#trace?.add(this.now, line());
  }
}

/** A disk that works: what is left of a slow one. */
const HEALED_SYNC_MS = 5;

export function idOf(i: number): NodeId {
  return i.toString(16).padStart(32, "0") as NodeId;
}
