/**
 * RaftWorld: a group in memory, whose network loses, repeats, delays and cuts one way, whose disks
 * are slow and forget what was not synced, whose members crash, change and take snapshots. One seed,
 * one run.
 */
import type { NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import type { Entry } from "../../../src/protocol/raft/entry.js";
import type { Batch, RaftInput, RequestId } from "../../../src/protocol/raft/inputs.js";
import { parseRaftMessage, type RaftMessage } from "../../../src/protocol/raft/messages.js";
import type { RaftOptions } from "../../../src/protocol/raft/options.js";
import { Raft } from "../../../src/protocol/raft/raft.js";
import { Checks, textOf } from "./checks.js";
import { Disk } from "./disk.js";
import { Honesty } from "./honesty.js";

export interface WorldOptions {
  readonly seed: number | string;
  readonly members: number;
  readonly voters: number;
  readonly raft?: Pick<RaftOptions, "times" | "limits" | "lease">;
  /** Chances of a message, and how slow things are. */
  readonly loss?: number;
  readonly repetition?: number;
  readonly latencyMs?: number;
  readonly syncMs?: number;
  /** Members' clocks differ in rate by up to this part. */
  readonly drift?: number;
  /** A crashed member is down for up to this long. */
  readonly downMs?: number;
}

interface Happening {
  readonly at: number;
  readonly order: number;
  run(): void;
}

export class Member {
  readonly id: NodeId;
  readonly disk = new Disk();
  readonly rate: number;
  raft: Raft | undefined;
  honesty: Honesty | undefined;
  /** What was started since; older happenings mean nothing to it. */
  life = 0;
  applied = 0;
  state = "";
  alarm = 0;
  snapshots = 0;
  isDiskStalled = false;

  constructor(id: NodeId, rate: number) {
    this.id = id;
    this.rate = rate;
  }
}

export class RaftWorld {
  readonly options: WorldOptions;
  readonly random: Random;
  readonly checks = new Checks();
  readonly members: readonly Member[];
  readonly cuts = new Set<string>();
  now = 0;
  loss: number;
  syncMs: number;
  readonly downMs: number;
  /** Nothing breaks any more. */
  isHealed = false;
  /** A member has become leader. */
  onLeader: (member: Member) => void = () => {};
  readonly #heap: Happening[] = [];
  readonly #reads = new Map<RequestId, number>();
  readonly #disks: ReadonlyMap<NodeId, Disk>;
  #order = 0;
  #request = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = seededRandom(options.seed);
    this.loss = options.loss ?? 0;
    this.syncMs = options.syncMs ?? 2;
    this.downMs = options.downMs ?? 1_500;
    const { members, voters, drift = 0 } = options;
    this.members = Array.from({ length: members }, (_, i) => {
      return new Member(idOf(i), 1 + drift * (this.random.next() - 0.5));
    });
    this.#disks = new Map(this.members.map(({ id, disk }) => [id, disk]));
    const first = this.members.slice(0, voters).map(({ id }) => id);
    this.members.forEach((member, i) => {
      if (i < voters) member.disk.found(first);
      this.start(member);
    });
  }

  // What a test does.

  start(member: Member): void {
    if (member.raft) return;
    member.life += 1;
    const recovered = member.disk.recovered();
    member.applied = member.disk.snapshot?.meta.index ?? 0;
    member.state = member.disk.snapshot ? stateIn(member.disk.snapshot.bytes) : "";
    member.honesty = new Honesty(member.disk, this.#disks);
    member.raft = new Raft({
      id: member.id,
      group: "g",
      random: this.random.fork(`${member.id} ${member.life}`),
      recovered,
      ...this.options.raft,
    });
    this.input(member, { type: "start" });
  }

  crash(member: Member): void {
    if (!member.raft) return;
    member.raft = undefined;
    member.life += 1;
    const kept = Math.floor(this.random.next() * (member.disk.openWrites + 1));
    member.disk.crash(kept, this.random.next() < 0.5);
  }

  propose(member: Member): RequestId {
    this.#request += 1;
    const text = `p${this.#request}`;
    this.checks.proposed(this.#request, text);
    this.input(member, {
      type: "propose",
      id: this.#request,
      data: new TextEncoder().encode(text),
    });
    return this.#request;
  }

  read(member: Member): void {
    this.#request += 1;
    this.#reads.set(this.#request, this.checks.highest);
    this.input(member, { type: "read", id: this.#request });
  }

  /** A request with an id of its own. */
  request(member: Member, make: (id: RequestId) => RaftInput): void {
    this.#request += 1;
    this.input(member, make(this.#request));
  }

  snapshot(member: Member): void {
    const { raft, disk, applied, state } = member;
    if (!raft || applied > raft.snapshotIndex) return;
    if (applied <= (disk.snapshot?.meta.index ?? 0)) return;
    member.snapshots += 1;
    const id = `${member.id.slice(-2)}-${member.life}-${member.snapshots}`;
    const meta = { id, ...raft.positionAt(applied) };
    const keepAfter = Math.max(0, applied - Math.floor(this.random.next() * 5));
    disk.keep({ meta, bytes: bytesOf(state) }, keepAfter);
    this.input(member, { type: "snapshot-taken", snapshot: meta, keepAfter });
  }

  get leader(): Member | undefined {
    let leader: Member | undefined;
    for (const member of this.members) {
      if (member.raft?.status.role !== "leader") continue;
      if (!leader || member.raft.status.term > (leader.raft?.status.term ?? 0)) leader = member;
    }
    return leader;
  }

  heal(): void {
    this.isHealed = true;
    this.cuts.clear();
    this.loss = 0;
    this.syncMs = this.options.syncMs ?? 2;
    for (const member of this.members) {
      member.isDiskStalled = false;
      this.start(member);
    }
  }

  after(delayMs: number, run: () => void): void {
    this.#order += 1;
    push(this.#heap, { at: this.now + delayMs, order: this.#order, run });
  }

  /** Lets time pass; true as soon as `until` is. */
  run(ms: number, until?: () => boolean): boolean {
    const end = this.now + ms;
    while (this.#heap[0] !== undefined && this.#heap[0].at <= end) {
      const next = pop(this.#heap);
      this.now = next.at;
      next.run();
      if (until?.()) return true;
    }
    this.now = end;
    return until?.() ?? false;
  }

  input(member: Member, input: RaftInput): void {
    const { raft } = member;
    if (raft) this.#carryOut(member, raft, raft.handle(input, this.now * member.rate));
  }

  // The shell.

  #carryOut(member: Member, raft: Raft, batch: Batch): void {
    for (const chunk of batch.staged) member.disk.stage(chunk);
    if (batch.write) this.#write(member, batch.write);
    member.honesty?.check(raft, batch);
    if (batch.status?.role === "leader") {
      const isNew = this.checks.led(member.id, batch.status.term, member.disk.view());
      if (isNew) this.onLeader(member);
    }
    for (const message of batch.messages) this.#transmit(message);
    for (const entry of batch.committed) this.#apply(member, entry);
    for (const outcome of batch.outcomes) this.checks.told(outcome);
    for (const read of batch.reads) {
      if (read.type === "ready") this.checks.read(member.applied, this.#reads.get(read.id) ?? 0);
    }
    for (const { to, snapshot, offset, bytesMax } of batch.chunkRequests) {
      const stored = member.disk.snapshot;
      const id = snapshot.id;
      this.#later(member, 1 + this.random.next() * 5, () => {
        if (stored?.meta.id !== id || member.disk.snapshot?.meta.id !== id) {
          return { type: "snapshot-unreadable", to, id };
        }
        const data = stored.bytes.slice(offset, offset + Math.min(bytesMax, 7));
        const isLast = offset + data.byteLength >= stored.bytes.byteLength;
        return { type: "snapshot-chunk", to, id, offset, data, isLast };
      });
    }
    if (batch.alarmAt !== undefined) this.#alarm(member, batch.alarmAt);
    const last = batch.committed.at(-1)?.index;
    if (last !== undefined && member.raft === raft) {
      const delayMs = this.random.next() < 0.8 ? 0 : this.random.next() * 20;
      this.#later(member, delayMs, () => ({ type: "applied", index: last }));
    }
  }

  #write(member: Member, write: NonNullable<Batch["write"]>): void {
    const { disk } = member;
    const terms = disk.view();
    if (write.install) terms.set(write.install.index, write.install.term);
    disk.begin(write);
    if (write.append) {
      const { after, entries } = write.append;
      this.checks.written(entries, after === 0 ? 0 : terms.get(after));
    }
    if (write.install) {
      const { install } = write;
      this.#later(member, 0, () => {
        return { type: "applied", index: install.index };
      });
      member.applied = install.index;
      member.state = disk.stagedState(install.id);
      this.checks.restored(install.index, member.state);
    }
    const { life } = member;
    const sync = (): void => {
      if (member.life !== life) return;
      if (member.isDiskStalled) return this.after(50, sync);
      disk.complete(write.number);
      this.input(member, { type: "persisted", write: write.number });
    };
    this.after(this.syncMs * (0.5 + this.random.next()), sync);
  }

  #apply(member: Member, entry: Entry): void {
    if (entry.index !== member.applied + 1) throw new Error("violation: applied out of order");
    member.applied = entry.index;
    member.state = `${hashOf(member.state, textOf(entry))} ${entry.index}`;
    this.checks.applied(entry, member.state);
  }

  #transmit(message: RaftMessage): void {
    const { repetition = 0, latencyMs = 5 } = this.options;
    const copies = this.random.next() < repetition ? 2 : 1;
    const wire = parseRaftMessage(message);
    if (!wire) throw new Error(`a message of type ${message.type} is malformed`);
    for (let i = 0; i < copies; i += 1) {
      if (this.random.next() < this.loss) continue;
      const isLate = this.random.next() < repetition;
      const delayMs = latencyMs * (0.2 + this.random.next()) * (isLate ? 40 : 1);
      this.after(delayMs, () => {
        if (this.cuts.has(`${message.from}>${message.to}`)) return;
        const receiver = this.members.find(({ id }) => id === message.to);
        if (receiver) this.input(receiver, { type: "message", message: wire });
      });
    }
  }

  #alarm(member: Member, at: number): void {
    const { life } = member;
    member.alarm = at;
    this.after(Math.max(0, at / member.rate - this.now) + 1e-6, () => {
      if (member.life === life && member.alarm === at) this.input(member, { type: "alarm" });
    });
  }

  #later(member: Member, delayMs: number, make: () => RaftInput): void {
    const { life } = member;
    this.after(delayMs, () => {
      if (member.life === life) this.input(member, make());
    });
  }
}

export function idOf(i: number): NodeId {
  return i.toString(16).padStart(32, "0") as NodeId;
}

function hashOf(before: string, text: string): string {
  let hash = 2_166_136_261;
  for (const char of `${before}|${text}`) {
    hash = Math.imul(hash ^ (char.codePointAt(0) as number), 16_777_619) >>> 0;
  }
  return hash.toString(16);
}

function bytesOf(state: string): Uint8Array {
  return new TextEncoder().encode(state);
}

export function stateIn(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function isBefore(one: Happening, other: Happening): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

function push(heap: Happening[], item: Happening): void {
  let at = heap.length;
  heap.push(item);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(item, heap[parent] as Happening)) break;
    heap[at] = heap[parent] as Happening;
    at = parent;
  }
  heap[at] = item;
}

function pop(heap: Happening[]): Happening {
  const top = heap[0] as Happening;
  const item = heap.pop() as Happening;
  if (heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    const right = child + 1;
    if (right < heap.length && isBefore(heap[right] as Happening, heap[child] as Happening)) {
      child = right;
    }
    if (!isBefore(heap[child] as Happening, item)) break;
    heap[at] = heap[child] as Happening;
    at = child;
  }
  heap[at] = item;
  return top;
}
